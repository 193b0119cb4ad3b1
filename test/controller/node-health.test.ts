import t from 'tap';
import type { Node, Taint } from '../../src/api/objects.ts';
import { isDisrupted, isLost, lostConditions, taintsFor } from '../../src/controller/node-health.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW = '2026-01-01T00:00:00Z';

function node(name: string, ready: 'True' | 'False' | 'Unknown', taints: Taint[] = []): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { taints },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  };
}

void t.test('isLost() gives up a board at once when nothing answers there, and a busy one after upstream time', (t) => {
  const cases: [string, Parameters<typeof isLost>[0], boolean][] = [
    ['a renewal that is late', { silentMs: 4_500, deadProbes: 2, hearsOthers: true }, false],
    ['silent on the network too', { silentMs: 5_000, deadProbes: 2, hearsOthers: true }, true],
    ['one lost probe proves nothing', { silentMs: 20_000, deadProbes: 1, hearsOthers: true }, false],
    ['answers, but no Lease', { silentMs: 30_000, deadProbes: 0, hearsOthers: true }, false],
    ['no Lease for 50 s', { silentMs: 50_000, deadProbes: 0, hearsOthers: true }, true],
    ['we hear nobody: it is we who are cut off', { silentMs: 90_000, deadProbes: 9, hearsOthers: false }, false],
  ];
  for (const [title, knowledge, expected] of cases) t.equal(isLost(knowledge), expected, title);
  t.end();
});

void t.test('lostConditions() says Unknown once, and keeps the time of it', (t) => {
  const lost = lostConditions(node('w1', 'True'), NOW_MS);
  t.match(lost?.[0], { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', lastTransitionTime: NOW });
  t.equal(lostConditions({ ...node('w1', 'True'), status: { conditions: lost ?? [] } }, NOW_MS + 1000), undefined);
  t.end();
});

void t.test('taintsFor() sets and takes away our taints only', (t) => {
  const mine: Taint = { key: 'mine', effect: 'NoExecute' };
  t.same(taintsFor(node('w1', 'Unknown', [mine]), NOW_MS), [
    mine,
    { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule', timeAdded: NOW },
    { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: NOW },
  ]);
  const tainted = taintsFor(node('w1', 'Unknown', [mine]), NOW_MS) ?? [];
  t.equal(taintsFor(node('w1', 'Unknown', tainted), NOW_MS + 5_000), undefined, 'the time is not moved');
  t.same(taintsFor(node('w1', 'True', tainted), NOW_MS), [mine]);
  t.equal(taintsFor(node('w1', 'True', [mine]), NOW_MS), undefined);
  t.end();
});

void t.test('isDisrupted() holds evictions back when most boards are gone', (t) => {
  const of = (good: number, bad: number): Node[] => [
    ...Array.from({ length: good }, (_, i) => node(`g${i}`, 'True')),
    ...Array.from({ length: bad }, (_, i) => node(`b${i}`, 'Unknown')),
  ];
  const isHeld = (nodes: readonly Node[]): boolean => isDisrupted(nodes, nodes.at(-1));
  t.equal(isHeld(of(4, 1)), false);
  t.equal(isHeld(of(3, 2)), false);
  t.equal(isHeld(of(2, 3)), true);
  t.equal(isHeld(of(0, 1)), true);
  t.equal(isHeld(of(1, 2)), false, 'two of three boards are no sign of a broken network');
  t.equal(isHeld([]), false);
  t.end();
});

// node_lifecycle_controller.go handleDisruption(), v1.36.
void t.test('isDisrupted() judges each zone for itself', (t) => {
  const zone = (name: string, ready: readonly ('True' | 'Unknown')[]): Node[] =>
    ready.map((status, i) => {
      const one = node(`${name}${i}`, status);
      return { ...one, metadata: { ...one.metadata, labels: { 'topology.kubernetes.io/zone': name } } };
    });
  const [up, down] = ['True', 'Unknown'] as const;
  const cases: [string, Node[], Node[], boolean][] = [
    ['a zone without power is really gone', zone('a', [down, down, down, down]), zone('b', [up, up]), false],
    [
      'most of a zone is gone, whatever the others say',
      zone('a', [down, down, down, up]),
      zone('b', [up, up, up, up, up]),
      true,
    ],
    ['few of a zone', zone('a', [down, up, up]), zone('b', [down, down, down]), false],
    ['all zones: it is the network', zone('a', [down, down]), zone('b', [down]), true],
  ];
  for (const [title, own, others, expected] of cases)
    t.equal(isDisrupted([...own, ...others], own[0]), expected, title);
  t.end();
});
