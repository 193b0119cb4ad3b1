import t from 'tap';
import { createNodeResourcesBalancedAllocation } from '../../../src/scheduler/plugin/node-resources-balanced-allocation.ts';
import { createNodeResourcesFit } from '../../../src/scheduler/plugin/node-resources-fit.ts';
import { podRequests } from '../../../src/api/pod-requests.ts';
import { node, pod } from '../arrange.ts';
import { filterAll, handleFor, scoreAll } from '../try-plugin.ts';

const fit = createNodeResourcesFit({}, handleFor());

// component-helpers resource.PodRequests: sums of what runs together, maximum over the steps of the start.
void t.test('podRequests() counts init containers, sidecars, overhead and resources of the whole pod', (t) => {
  const container = (name: string, cpu: string, restartPolicy?: 'Always') => ({
    name,
    resources: { requests: { cpu } },
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  });
  const cpuOf = (spec: object): number | undefined => podRequests(pod('p', { spec })).get('cpu');
  const containers = [container('a', '500m'), container('b', '250m')];
  t.equal(cpuOf({ containers }), 750);
  t.equal(cpuOf({ containers, initContainers: [container('i', '2')] }), 2000);
  t.equal(cpuOf({ containers, initContainers: [container('i', '100m')] }), 750);
  t.equal(cpuOf({ containers, initContainers: [container('s', '1', 'Always')] }), 1750);
  t.equal(cpuOf({ containers, initContainers: [container('s', '1', 'Always'), container('i', '2')] }), 3000);
  t.equal(cpuOf({ containers, initContainers: [container('i', '1500m'), container('s', '1', 'Always')] }), 1750);
  t.equal(cpuOf({ containers, overhead: { cpu: '10m' } }), 760);
  t.equal(cpuOf({ containers, resources: { requests: { cpu: '3' } } }), 3000);
  t.same(
    [...podRequests(pod('p'), true)],
    [
      ['cpu', 100],
      ['memory', 209_715_200],
    ],
  );
  t.end();
});

void t.test('NodeResourcesFit names what is missing; more than a node has at all is hopeless', (t) => {
  const world = {
    nodes: [node('w', { allocatable: { cpu: '2', memory: '1Gi', pods: '2', 'example.com/gpu': '1' } })],
    pods: [pod('x', { requests: { cpu: '1500m', memory: '512Mi', 'example.com/gpu': '1' }, spec: { nodeName: 'w' } })],
  };
  const on = (requests: Record<string, string>) => filterAll(fit, pod('p', { requests }), world)['w'];
  t.equal(on({ cpu: '500m', memory: '512Mi' }), 'ok', 'exactly what is left');
  t.equal(on({ cpu: '501m', memory: '513Mi' }), 'Insufficient cpu, Insufficient memory');
  t.equal(on({ 'example.com/gpu': '1' }), 'Insufficient example.com/gpu');
  t.equal(on({ cpu: '3' }), '! Insufficient cpu');
  t.equal(on({ 'example.com/other': '1' }), '! Insufficient example.com/other');
  t.equal(on({}), 'ok');
  const full = { ...world, pods: [...world.pods, pod('y', { spec: { nodeName: 'w' } })] };
  t.same(filterAll(fit, pod('p'), full), { w: 'Too many pods' });

  const lax = createNodeResourcesFit({ ignoredResourceGroups: ['example.com'] }, handleFor());
  t.same(filterAll(lax, pod('p', { requests: { 'example.com/gpu': '1' } }), world), { w: 'ok' });
  t.end();
});

void t.test('NodeResourcesFit scores by strategy', (t) => {
  const world = {
    nodes: [node('empty'), node('half')],
    pods: [pod('x', { requests: { cpu: '1', memory: '4Gi' }, spec: { nodeName: 'half' } })],
  };
  const asks = pod('p', { requests: { cpu: '1', memory: '2Gi' } });
  t.same(scoreAll(fit, asks, world), { empty: 75, half: 37 }, '(75+75)/2 and (50+25)/2');
  const most = createNodeResourcesFit({ scoringStrategy: { type: 'MostAllocated' } }, handleFor());
  t.same(scoreAll(most, asks, world), { empty: 25, half: 62 });
  const shape = [
    { utilization: 0, score: 0 },
    { utilization: 50, score: 10 },
    { utilization: 100, score: 0 },
  ];
  const scoringStrategy = {
    type: 'RequestedToCapacityRatio',
    resources: [{ name: 'cpu' }],
    requestedToCapacityRatio: { shape },
  };
  t.same(scoreAll(createNodeResourcesFit({ scoringStrategy }, handleFor()), asks, world), { empty: 50, half: 100 });
  t.throws(() => createNodeResourcesFit({ scoringStrategy: { type: 'Best' } }, handleFor()), /must be one of/);
  t.end();
});

// noderesources/balanced_allocation.go, v1.36: 50 + (50 + balance with the pod - balance without it) / 2.
void t.test(
  'NodeResourcesBalancedAllocation prefers what evens use out, and is silent on pods that ask for nothing',
  (t) => {
    const plugin = createNodeResourcesBalancedAllocation({}, handleFor());
    const world = {
      nodes: [node('even'), node('skewed')],
      pods: [pod('x', { requests: { cpu: '2' }, spec: { nodeName: 'skewed' } })],
    };
    const scores = (requests: Record<string, string>) => scoreAll(plugin, pod('p', { requests }), world);
    t.same(scores({ cpu: '1', memory: '2Gi' }), { even: 75, skewed: 75 }, 'changes nothing on either');
    t.same(scores({ memory: '4Gi' }), { even: 62, skewed: 87 }, 'balances one, unbalances the other');
    t.same(scores({ cpu: '2' }), { even: 62, skewed: 62 });
    t.equal(scoreAll(plugin, pod('p'), world), undefined);
    t.end();
  },
);
