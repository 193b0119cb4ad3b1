import t from 'tap';
import type { Pod, ReplicaSet } from '../../src/api/objects.ts';
import { leastWantedFirst, planReplicaSet, replicaSetStatus } from '../../src/controller/replica-set-plan.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);

interface PodOptions {
  readonly node?: string;
  readonly phase?: 'Pending' | 'Running' | 'Failed' | 'Succeeded';
  readonly readySinceMs?: number;
  readonly deleting?: boolean;
  readonly cost?: string;
  readonly restarts?: number;
}

function pod(name: string, options: PodOptions = {}): Pod {
  const { node, phase = 'Running', readySinceMs, deleting, cost, restarts = 0 } = options;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: name,
      labels: { app: 'web' },
      creationTimestamp: time(NOW_MS - 3_600_000),
      ...(deleting === true ? { deletionTimestamp: time(NOW_MS) } : {}),
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: { containers: [], ...(node === undefined ? {} : { nodeName: node }) },
    status: {
      phase,
      conditions:
        readySinceMs === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: time(readySinceMs) }],
      containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: true, restartCount: restarts }],
    },
  };
}

function set(replicas: number, minReadySeconds = 0): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web', generation: 3 },
    spec: {
      replicas,
      minReadySeconds,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } },
    },
  };
}

void t.test('planReplicaSet() counts neither ended pods nor those being deleted', (t) => {
  const owned = [pod('a', { node: 'w1' }), pod('b', { phase: 'Failed' }), pod('c', { deleting: true })];
  t.equal(planReplicaSet(set(3), owned, NOW_MS).create, 2);
  t.equal(planReplicaSet(set(1), owned, NOW_MS).create, 0);
  t.end();
});

// kubernetes pkg/controller/controller_utils.go, ActivePodsWithRanks: each pair says which of two goes first.
void t.test('leastWantedFirst() gives up first what serves least', (t) => {
  const ready = NOW_MS - 1_000_000;
  const pairs: [string, Pod, Pod][] = [
    ['unbound before bound', pod('x'), pod('y', { node: 'w1', readySinceMs: ready })],
    ['pending before running', pod('x', { node: 'w1', phase: 'Pending' }), pod('y', { node: 'w1' })],
    ['not ready before ready', pod('x', { node: 'w1' }), pod('y', { node: 'w1', readySinceMs: ready })],
    [
      'cheap before dear',
      pod('x', { node: 'w1', readySinceMs: ready, cost: '-5' }),
      pod('y', { node: 'w2', readySinceMs: ready }),
    ],
    [
      'lately ready before long ready',
      pod('x', { node: 'w1', readySinceMs: NOW_MS - 2000 }),
      pod('y', { node: 'w2', readySinceMs: ready }),
    ],
    [
      'often restarted before steady',
      pod('x', { node: 'w1', readySinceMs: ready, restarts: 4 }),
      pod('y', { node: 'w2', readySinceMs: ready }),
    ],
  ];
  for (const [title, first, second] of pairs)
    t.equal(leastWantedFirst([second, first], NOW_MS)[0]?.metadata?.name, 'x', title);

  const crowded = [
    pod('lonely', { node: 'w2', readySinceMs: ready }),
    pod('crowd1', { node: 'w1', readySinceMs: ready }),
    pod('crowd2', { node: 'w1', readySinceMs: ready }),
  ];
  t.match(leastWantedFirst(crowded, NOW_MS)[0]?.metadata?.name, /crowd/, 'crowded nodes give first');
  const ofSiblings = [
    pod('new1', { node: 'w2', readySinceMs: ready }),
    pod('new2', { node: 'w2' }),
    pod('leaving', { node: 'w1', deleting: true }),
    pod('ended', { node: 'w1', phase: 'Failed' }),
  ];
  const [one, , two] = crowded as [Pod, Pod, Pod];
  t.equal(
    leastWantedFirst([one, two], NOW_MS, [one, two, ...ofSiblings])[0]?.metadata?.name,
    'lonely',
    'also by the pods of sibling sets that still run, ready or not',
  );
  t.end();
});

void t.test('replicaSetStatus() counts a pod as available after minReadySeconds, and says when to look again', (t) => {
  const owned = [
    pod('a', { node: 'w1', readySinceMs: NOW_MS - 60_000 }),
    pod('b', { node: 'w1', readySinceMs: NOW_MS - 4_000 }),
    pod('c', { node: 'w1' }),
    pod('d', { deleting: true }),
  ];
  const { status, againInMs } = replicaSetStatus({ replicaSet: set(3, 10), owned, failure: undefined, nowMs: NOW_MS });
  t.same(status, {
    replicas: 3,
    fullyLabeledReplicas: 3,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 3,
  });
  t.equal(againInMs, 6_000);
  t.end();
});

void t.test('replicaSetStatus() keeps the time of a failure that goes on, and drops one that is over', (t) => {
  const failure = { reason: 'FailedCreate', message: 'quota' } as const;
  const first = replicaSetStatus({ replicaSet: set(1), owned: [], failure, nowMs: NOW_MS }).status;
  const second = replicaSetStatus({
    replicaSet: { ...set(1), status: first },
    owned: [],
    failure,
    nowMs: NOW_MS + 60_000,
  }).status;
  t.same(second.conditions, first.conditions);
  const third = replicaSetStatus({
    replicaSet: { ...set(1), status: first },
    owned: [],
    failure: undefined,
    nowMs: NOW_MS,
  });
  t.equal(third.status.conditions, undefined);
  t.end();
});
