import t from 'tap';
import type { Deployment, ReplicaSet } from '../../src/api/objects.ts';
import { planCleanup, planRollingUpdate, planScale } from '../../src/controller/deployment-plan.ts';
import { maxSurgeOf, maxUnavailableOf, templateHash } from '../../src/controller/deployment-revision.ts';

function deployment(
  replicas: number,
  maxSurge: string | number = '25%',
  maxUnavailable: string | number = '25%',
): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas,
      revisionHistoryLimit: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } },
    },
  };
}

function set(
  name: string,
  replicas: number,
  available = replicas,
  annotations: Record<string, string> = {},
): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, creationTimestamp: `2026-01-0${name.length}T00:00:00Z`, generation: 1, annotations },
    spec: { replicas, selector: { matchLabels: {} } },
    status: { replicas, availableReplicas: available, observedGeneration: 1 },
  };
}

function shown(scalings: readonly { set: ReplicaSet; replicas: number }[]): Record<string, number> {
  return Object.fromEntries(scalings.map(({ set, replicas }) => [set.metadata?.name, replicas]));
}

void t.test('maxSurgeOf() rounds up, maxUnavailableOf() down, and one of them is never nothing', (t) => {
  t.same([maxSurgeOf(deployment(10)), maxUnavailableOf(deployment(10))], [3, 2]);
  t.same([maxSurgeOf(deployment(1)), maxUnavailableOf(deployment(1))], [1, 0]);
  t.same([maxSurgeOf(deployment(5, 0, '1%')), maxUnavailableOf(deployment(5, 0, '1%'))], [0, 1]);
  t.end();
});

// kubernetes pkg/controller/deployment/rolling_test.go: the new set grows to the surge, then the old shrink.
void t.test('planRollingUpdate() grows the new set up to the surge first', (t) => {
  t.same(shown(planRollingUpdate(deployment(10, 2, 2), set('nn', 0), [set('o', 10)])), { nn: 2 });
  t.same(shown(planRollingUpdate(deployment(10, 0, 2), set('nn', 0), [set('o', 10)])), { o: 8 });
  t.end();
});

void t.test('planRollingUpdate() never goes below what must stay available', (t) => {
  t.same(shown(planRollingUpdate(deployment(10, 2, 2), set('nn', 2, 0), [set('o', 10)])), { o: 8 });
  t.same(shown(planRollingUpdate(deployment(10, 2, 2), set('nn', 4, 0), [set('o', 8)])), {}, 'wait for the new');
  t.same(shown(planRollingUpdate(deployment(10, 2, 2), set('nn', 4, 4), [set('o', 8)])), { o: 4 });
  t.end();
});

void t.test('planRollingUpdate() takes down first what is not available anyway', (t) => {
  const plan = planRollingUpdate(deployment(10, 0, 2), set('nnn', 0), [set('o', 4, 4), set('oo', 6, 3)]);
  t.same(shown(plan), { oo: 4 });
  t.end();
});

void t.test('planScale() puts a new size on the one live set', (t) => {
  t.same(shown(planScale(deployment(7), set('nn', 3), [set('o', 0)])), { nn: 7 });
  t.end();
});

// Documentation, "Proportional scaling": 10 -> 15 with 8 old and 5 new in the middle of a rollout gives 3 and 2 more.
void t.test('planScale() shares a new size in the middle of a rollout in proportion', (t) => {
  const annotations = {
    'deployment.kubernetes.io/max-replicas': '13',
    'deployment.kubernetes.io/desired-replicas': '10',
  };
  const plan = planScale(deployment(15, 3, 2), set('nn', 5, 5, annotations), [set('o', 8, 8, annotations)]);
  t.same(shown(plan), { o: 11, nn: 7 });
  t.end();
});

void t.test('planCleanup() keeps the newest of the history', (t) => {
  t.same(
    planCleanup(deployment(1), [set('o', 0), set('oo', 0), set('ooo', 0)]).map((one) => one.metadata?.name),
    ['o', 'oo'],
  );
  t.same(planCleanup(deployment(1), [set('o', 0), set('oo', 2)]), [set('o', 0)]);
  t.end();
});

void t.test('templateHash() is the same for the same template whatever the order of its fields', (t) => {
  const one = { metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const other = { spec: { containers: [{ image: 'i', name: 'c' }] }, metadata: { labels: { b: '2', a: '1' } } };
  t.equal(templateHash(one, 0), templateHash(other, 0));
  t.not(templateHash(one, 0), templateHash(one, 1));
  t.equal(
    templateHash(one, 0),
    templateHash({ ...one, metadata: { labels: { ...one.metadata.labels, 'pod-template-hash': 'x' } } }, 0),
    'the label that ReplicaSets add does not count',
  );
  t.end();
});
