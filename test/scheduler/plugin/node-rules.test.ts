import t from 'tap';
import { createNodeAffinity } from '../../../src/scheduler/plugin/node-affinity.ts';
import { nodeName } from '../../../src/scheduler/plugin/node-name.ts';
import { nodePorts } from '../../../src/scheduler/plugin/node-ports.ts';
import { nodeUnschedulable } from '../../../src/scheduler/plugin/node-unschedulable.ts';
import { taintToleration } from '../../../src/scheduler/plugin/taint-toleration.ts';
import { imageLocality } from '../../../src/scheduler/plugin/image-locality.ts';
import { readPod } from '../../../src/scheduler/pod-info.ts';
import { node, pod } from '../arrange.ts';
import { filterAll, handleFor, scoreAll } from '../try-plugin.ts';

void t.test('NodeName passes the named node only', (t) => {
  const nodes = [node('a'), node('b')];
  t.same(filterAll(nodeName, pod('p', { spec: { nodeName: 'b' } }), { nodes }), {
    a: "! node(s) didn't match the requested node name",
    b: 'ok',
  });
  t.end();
});

void t.test('NodeUnschedulable leaves cordoned nodes out, unless tolerated', (t) => {
  const nodes = [node('a', { spec: { unschedulable: true } })];
  t.same(filterAll(nodeUnschedulable, pod('p'), { nodes }), { a: '! node(s) were unschedulable' });
  const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' as const }];
  t.same(filterAll(nodeUnschedulable, pod('p', { spec: { tolerations } }), { nodes }), { a: 'ok' });
  t.end();
});

void t.test('TaintToleration filters by hard taints and scores by soft ones', (t) => {
  const taints = [
    { key: 'dedicated', value: 'db', effect: 'NoSchedule' as const },
    { key: 'old', effect: 'NoExecute' as const },
  ];
  const world = { nodes: [node('a', { spec: { taints } })] };
  const rejected = { a: '! node(s) had untolerated taint(s)' };
  const equal = { key: 'dedicated', operator: 'Equal' as const, value: 'db', effect: 'NoSchedule' as const };
  t.same(filterAll(taintToleration, pod('p'), world), rejected);
  t.same(
    filterAll(taintToleration, pod('p', { spec: { tolerations: [equal] } }), world),
    rejected,
    'the other remains',
  );
  const both = [equal, { key: 'old', operator: 'Exists' as const }];
  t.same(filterAll(taintToleration, pod('p', { spec: { tolerations: both } }), world), { a: 'ok' });
  const wrong = [
    { ...equal, value: 'web' },
    { key: 'old', operator: 'Exists' as const },
  ];
  t.same(filterAll(taintToleration, pod('p', { spec: { tolerations: wrong } }), world), rejected);
  t.same(filterAll(taintToleration, pod('p', { spec: { tolerations: [{ operator: 'Exists' }] } }), world), { a: 'ok' });

  const soft = (key: string) => ({ key, effect: 'PreferNoSchedule' as const });
  const nodes = [
    node('none'),
    node('one', { spec: { taints: [soft('x')] } }),
    node('two', { spec: { taints: [soft('x'), soft('y')] } }),
  ];
  t.same(scoreAll(taintToleration, pod('p'), { nodes }), { none: 100, one: 50, two: 0 });
  t.end();
});

void t.test('NodeAffinity: nodeSelector, required terms, names, preferred weights', (t) => {
  const plugin = createNodeAffinity({}, handleFor());
  const nodes = [
    node('a', { labels: { disk: 'ssd', cores: '8' } }),
    node('b', { labels: { disk: 'hdd', cores: '4' } }),
  ];
  const no = "! node(s) didn't match Pod's node affinity/selector";
  t.same(filterAll(plugin, pod('p', { spec: { nodeSelector: { disk: 'ssd' } } }), { nodes }), { a: 'ok', b: no });

  const require = (...terms: object[]) =>
    pod('p', {
      spec: {
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
      },
    });
  const expression = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  t.same(filterAll(plugin, require(expression('cores', 'Gt', '6')), { nodes }), { a: 'ok', b: no });
  t.same(filterAll(plugin, require(expression('disk', 'NotIn', 'ssd')), { nodes }), { a: no, b: 'ok' });
  t.same(filterAll(plugin, require(expression('x', 'Exists'), expression('disk', 'In', 'ssd', 'hdd')), { nodes }), {
    a: 'ok',
    b: 'ok',
  });
  t.same(filterAll(plugin, require({}), { nodes }), { a: no, b: no }, 'an empty term fits none');
  const byName = { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] };
  t.same(filterAll(plugin, require(byName), { nodes }), { a: no, b: 'ok' });

  const preferredDuringSchedulingIgnoredDuringExecution = [
    { weight: 20, preference: { matchExpressions: [{ key: 'disk', operator: 'In' as const, values: ['hdd'] }] } },
    { weight: 5, preference: { matchExpressions: [{ key: 'cores', operator: 'Exists' as const }] } },
  ];
  const wishes = pod('p', {
    spec: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution } } },
  });
  t.same(scoreAll(plugin, wishes, { nodes }), { a: 20, b: 100 });
  t.equal(scoreAll(plugin, pod('p'), { nodes }), undefined);
  t.end();
});

void t.test('NodeAffinity adds the affinity of its arguments', (t) => {
  const nodeSelectorTerms = [{ matchExpressions: [{ key: 'pool', operator: 'In', values: ['x'] }] }];
  const addedAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  const plugin = createNodeAffinity({ addedAffinity }, handleFor());
  const nodes = [node('a', { labels: { pool: 'x' } }), node('b')];
  t.same(filterAll(plugin, pod('p'), { nodes }), {
    a: 'ok',
    b: "! node(s) didn't match scheduler-enforced node affinity",
  });
  t.end();
});

void t.test('NodePorts: the same port and protocol, on the same or on every address', (t) => {
  const port = (hostPort: number, hostIP?: string, protocol: 'TCP' | 'UDP' = 'TCP') => ({
    containers: [
      { name: 'c', ports: [{ containerPort: 1, hostPort, protocol, ...(hostIP === undefined ? {} : { hostIP }) }] },
    ],
  });
  const used = pod('used', { spec: { ...port(80, '10.0.0.1'), nodeName: 'a' } });
  const world = { nodes: [node('a')], pods: [used] };
  const taken = { a: "node(s) didn't have free ports for the requested pod ports" };
  t.same(filterAll(nodePorts, pod('p', { spec: port(80) }), world), taken, '0.0.0.0 is every address');
  t.same(filterAll(nodePorts, pod('p', { spec: port(80, '10.0.0.1') }), world), taken);
  t.same(filterAll(nodePorts, pod('p', { spec: port(80, '10.0.0.2') }), world), { a: 'ok' });
  t.same(filterAll(nodePorts, pod('p', { spec: port(80, undefined, 'UDP') }), world), { a: 'ok' });
  t.same(filterAll(nodePorts, pod('p', { spec: port(81) }), world), { a: 'ok' });

  const waiting = readPod(pod('p', { spec: port(80) }));
  t.ok(nodePorts.mayHelp?.(waiting, { resource: 'AssignedPod', change: 'deleted', now: used }));
  t.notOk(nodePorts.mayHelp?.(waiting, { resource: 'AssignedPod', change: 'deleted', now: pod('q') }));
  t.end();
});

void t.test('ImageLocality prefers nodes that have large images, however they are named', (t) => {
  const big = (name: string) => ({ images: [{ names: [name], sizeBytes: 500 * 1024 * 1024 }] });
  const nodes = [node('a', big('docker.io/library/busybox:1')), node('b', big('docker.io/library/other:1'))];
  const scores = scoreAll(imageLocality, pod('p'), { nodes });
  t.same(scores, { a: 23, b: 0 }, '500 MiB on half of the nodes count 250: (250 - 23) / (1000 - 23)');
  t.end();
});
