import t from 'tap';
import type { Namespace, Pod, TopologySpreadConstraint } from '../../../src/api/objects.ts';
import { createInterPodAffinity } from '../../../src/scheduler/plugin/inter-pod-affinity.ts';
import { createPodTopologySpread } from '../../../src/scheduler/plugin/pod-topology-spread.ts';
import { node, pod } from '../arrange.ts';
import { filterAll, handleFor, scoreAll } from '../try-plugin.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const zoned = (name: string, zone: string) => node(name, { labels: { [ZONE]: zone } });
const app = (name: string, nodeName: string, labels: Record<string, string> = { app: 'web' }): Pod =>
  pod(name, { labels, spec: { nodeName } });

function constraint(more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint {
  const labelSelector = { matchLabels: { app: 'web' } };
  return { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector, ...more };
}

function spreading(...topologySpreadConstraints: TopologySpreadConstraint[]): Pod {
  return pod('p', { labels: { app: 'web' }, spec: { topologySpreadConstraints } });
}

const spread = createPodTopologySpread({}, handleFor());
const NO = "node(s) didn't match pod topology spread constraints";

void t.test('PodTopologySpread keeps the skew between domains', (t) => {
  const nodes = [zoned('a1', 'a'), zoned('a2', 'a'), zoned('b1', 'b'), node('nowhere')];
  const world = { nodes, pods: [app('1', 'a1'), app('2', 'a2'), app('3', 'b1'), app('other', 'b1', { app: 'db' })] };
  const missing = `! ${NO} (missing required label)`;
  t.same(filterAll(spread, spreading(constraint()), world), { a1: NO, a2: NO, b1: 'ok', nowhere: missing });
  t.same(filterAll(spread, spreading(constraint({ maxSkew: 2 })), world), {
    a1: 'ok',
    a2: 'ok',
    b1: 'ok',
    nowhere: missing,
  });
  t.same(filterAll(spread, pod('p'), world), { a1: 'ok', a2: 'ok', b1: 'ok', nowhere: 'ok' });
  t.end();
});

void t.test('PodTopologySpread: minDomains, matchLabelKeys, inclusion policies, leaving pods', (t) => {
  const nodes = [zoned('a1', 'a'), zoned('b1', 'b')];
  const world = { nodes, pods: [app('1', 'a1'), app('2', 'b1')] };
  t.same(filterAll(spread, spreading(constraint()), world), { a1: 'ok', b1: 'ok' });
  t.same(
    filterAll(spread, spreading(constraint({ minDomains: 3 })), world),
    { a1: NO, b1: NO },
    'a third must come first',
  );

  const revised = spreading(constraint({ matchLabelKeys: ['rev'] }));
  const ofRevision = { ...revised, metadata: { ...revised.metadata, labels: { app: 'web', rev: '2' } } };
  t.same(filterAll(spread, ofRevision, { nodes, pods: [app('1', 'a1'), app('2', 'a1')] }), { a1: 'ok', b1: 'ok' });

  const leaving = app('1', 'a1');
  leaving.metadata = { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
  t.same(filterAll(spread, spreading(constraint()), { nodes, pods: [leaving] }), { a1: 'ok', b1: 'ok' });

  const taints = [{ key: 'x', effect: 'NoSchedule' as const }];
  const tainted = [zoned('a1', 'a'), node('b1', { labels: { [ZONE]: 'b' }, spec: { taints } })];
  const one = { nodes: tainted, pods: [app('1', 'a1')] };
  t.equal(filterAll(spread, spreading(constraint()), one)['a1'], NO, 'the tainted zone counts as empty');
  t.equal(filterAll(spread, spreading(constraint({ nodeTaintsPolicy: 'Honor' })), one)['a1'], 'ok');
  t.end();
});

void t.test('PodTopologySpread scores fewer pods of the group higher, by default over hosts and zones', (t) => {
  const nodes = [zoned('a', 'x'), zoned('b', 'x'), zoned('c', 'y')];
  const world = { nodes, pods: [app('1', 'a'), app('2', 'a'), app('3', 'b')] };
  const soft = spreading(constraint({ topologyKey: HOST, whenUnsatisfiable: 'ScheduleAnyway' }));
  const scores = scoreAll(spread, soft, world) ?? {};
  t.ok((scores['c'] ?? 0) > (scores['b'] ?? 0) && (scores['b'] ?? 0) > (scores['a'] ?? 0), JSON.stringify(scores));
  t.equal(scores['c'], 100);

  t.equal(scoreAll(spread, pod('p', { labels: { app: 'web' } }), world), undefined, 'no group, no defaults');
  const grouped = createPodTopologySpread({}, handleFor([{ key: 'app', operator: 'In', values: ['web'] }]));
  const byDefault = scoreAll(grouped, pod('p', { labels: { app: 'web' } }), world) ?? {};
  t.ok((byDefault['c'] ?? 0) > (byDefault['b'] ?? 0), JSON.stringify(byDefault));
  t.end();
});

function affine(kind: 'podAffinity' | 'podAntiAffinity', term: object, weight?: number): Pod {
  const whole = { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: ZONE, ...term };
  const required = { requiredDuringSchedulingIgnoredDuringExecution: [whole] };
  const preferred = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: whole }] };
  const affinity = { [kind]: weight === undefined ? required : preferred };
  return pod('p', { labels: { app: 'client' }, spec: { affinity } });
}

const near = createInterPodAffinity({}, handleFor());

void t.test('InterPodAffinity filters by required terms, its own and those of pods that are there', (t) => {
  const nodes = [zoned('a1', 'a'), zoned('a2', 'a'), zoned('b1', 'b')];
  const world = { nodes, pods: [app('1', 'a1')] };
  const noAffinity = "! node(s) didn't match pod affinity rules";
  t.same(filterAll(near, affine('podAffinity', {}), world), { a1: 'ok', a2: 'ok', b1: noAffinity });
  const noAnti = "node(s) didn't match pod anti-affinity rules";
  t.same(filterAll(near, affine('podAntiAffinity', {}), world), { a1: noAnti, a2: noAnti, b1: 'ok' });

  const hermit = affine('podAntiAffinity', { labelSelector: { matchLabels: { app: 'web' } } });
  const settled = { ...hermit, spec: { containers: [], ...hermit.spec, nodeName: 'b1' } };
  const refused = "node(s) didn't satisfy existing pods anti-affinity rules";
  t.same(filterAll(near, pod('q', { labels: { app: 'web' } }), { nodes, pods: [settled] }), {
    a1: 'ok',
    a2: 'ok',
    b1: refused,
  });
  t.end();
});

void t.test('InterPodAffinity lets the first of a group go anywhere, and knows namespaces by their labels', (t) => {
  const nodes = [zoned('a1', 'a'), zoned('b1', 'b')];
  const together = affine('podAffinity', { labelSelector: { matchLabels: { app: 'client' } } });
  t.same(filterAll(near, together, { nodes }), { a1: 'ok', b1: 'ok' });

  const team: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team', labels: { team: 'x' } } };
  const plugin = createInterPodAffinity({}, handleFor(null, [team]));
  const there = pod('1', { namespace: 'team', labels: { app: 'web' }, spec: { nodeName: 'a1' } });
  const noAffinity = "! node(s) didn't match pod affinity rules";
  const world = { nodes, pods: [there] };
  t.same(filterAll(plugin, affine('podAffinity', {}), world), { a1: noAffinity, b1: noAffinity });
  t.same(filterAll(plugin, affine('podAffinity', { namespaces: ['team'] }), world), { a1: 'ok', b1: noAffinity });
  const namespaceSelector = { matchLabels: { team: 'x' } };
  t.same(filterAll(plugin, affine('podAffinity', { namespaceSelector }), world), { a1: 'ok', b1: noAffinity });
  t.end();
});

void t.test('InterPodAffinity scores preferences of both sides', (t) => {
  const nodes = [zoned('a', 'a'), zoned('b', 'b'), zoned('c', 'c')];
  const world = { nodes, pods: [app('1', 'a'), app('2', 'b'), app('3', 'b')] };
  t.same(scoreAll(near, affine('podAffinity', {}, 10), world), { a: 50, b: 100, c: 0 });
  t.same(scoreAll(near, affine('podAntiAffinity', {}, 10), world), { a: 50, b: 0, c: 100 });
  t.equal(scoreAll(near, pod('p'), world), undefined);
  const fan = affine('podAffinity', { labelSelector: { matchLabels: { app: 'idol' } } }, 10);
  const settled = { ...fan, spec: { containers: [], ...fan.spec, nodeName: 'c' } };
  t.same(scoreAll(near, pod('q', { labels: { app: 'idol' } }), { nodes, pods: [settled] }), { a: 0, b: 0, c: 100 });
  t.end();
});
