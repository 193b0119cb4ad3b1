import t from 'tap';
import { DEFAULT_CONFIG, readSchedulerConfig } from '../../src/scheduler/config.ts';

const HEAD = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };

function profileOf(raw: object) {
  const [profile] = readSchedulerConfig({ ...HEAD, profiles: [raw] }).profiles;
  if (profile === undefined) throw new Error('no profile');
  return profile;
}

void t.test('readSchedulerConfig() without a file gives upstream defaults', (t) => {
  const config = readSchedulerConfig(DEFAULT_CONFIG);
  t.match(config, {
    podInitialBackoffMs: 1000,
    podMaxBackoffMs: 10_000,
    profiles: [{ schedulerName: 'default-scheduler' }],
  });
  const weights = Object.fromEntries(config.profiles[0]?.plugins.score.map(({ name, weight }) => [name, weight]) ?? []);
  t.match(weights, {
    TaintToleration: 3,
    NodeAffinity: 2,
    PodTopologySpread: 2,
    InterPodAffinity: 2,
    NodeResourcesFit: 1,
  });
  t.end();
});

void t.test('readSchedulerConfig() merges multiPoint and single points as upstream does', (t) => {
  const { plugins } = profileOf({
    plugins: {
      multiPoint: { disabled: [{ name: 'ImageLocality' }], enabled: [{ name: 'NodeResourcesFit', weight: 5 }] },
      score: { disabled: [{ name: 'NodeAffinity' }], enabled: [{ name: 'TaintToleration', weight: 9 }] },
      filter: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeName' }] },
    },
  });
  const names = (set: readonly { name: string; weight: number }[]) =>
    set.map(({ name, weight }) => `${name}:${weight}`);
  t.equal(plugins.score[0]?.name, 'TaintToleration', 'what a point names itself comes first');
  t.same(
    names(plugins.score).filter((name) => /Taint|NodeAffinity|Image|Fit/.test(name)),
    ['TaintToleration:9', 'NodeResourcesFit:5'],
  );
  t.same(names(plugins.filter), ['NodeName:1']);
  t.ok(
    plugins.preScore.some(({ name }) => name === 'NodeAffinity'),
    'disabled at one point only',
  );
  t.end();
});

void t.test('readSchedulerConfig() reads arguments, and passes over plugins whose kinds do not exist yet', (t) => {
  const profile = profileOf({
    plugins: { multiPoint: { enabled: [{ name: 'VolumeBinding' }] } },
    pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } }],
  });
  t.same(profile.args.get('NodeResourcesFit'), { scoringStrategy: { type: 'MostAllocated' } });
  t.notOk(profile.plugins.filter.some(({ name }) => name === 'VolumeBinding'));
  t.end();
});

void t.test('readSchedulerConfig() names everything that is wrong at once', (t) => {
  const wrong = {
    apiVersion: 'v1',
    kind: 'KubeSchedulerConfiguration',
    podInitialBackoffSeconds: 20,
    profiles: [
      { plugins: { filter: { enabled: [{ name: 'Nonsense' }] }, sieve: {} }, percentageOfNodesToScore: 200 },
      {},
    ],
  };
  const all =
    /apiVersion must be.*podMaxBackoffSeconds.*not in valid range.*extension point "sieve".*"Nonsense".*unique/;
  t.throws(() => readSchedulerConfig(wrong), all);
  t.end();
});

void t.test('readSchedulerConfig() of fields it does not know, nameless profiles and extenders', (t) => {
  const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };
  const cases: [object, RegExp][] = [
    [{ profile: [] }, /unknown field "profile"/],
    [{ profiles: [{ schedulerNam: 'x' }] }, /unknown field "profiles\[0\]\.schedulerNam"/],
    [{ profiles: [{ schedulerName: 'a' }, {}] }, /profiles\[1\]\.schedulerName: Required value/],
    [{ extenders: [{ urlPrefix: 'https://x' }] }, /extenders: this scheduler calls none/],
  ];
  for (const [more, message] of cases) t.throws(() => readSchedulerConfig({ ...head, ...more }), message);
  const passedOver = { parallelism: 4, leaderElection: { leaderElect: false }, clientConnection: { qps: 5 } };
  const { profiles } = readSchedulerConfig({ ...head, ...passedOver, profiles: [], extenders: [] });
  t.same(
    profiles.map(({ schedulerName }) => schedulerName),
    ['default-scheduler'],
    'an empty list is as none',
  );
  t.end();
});
