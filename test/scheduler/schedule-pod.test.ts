import t from 'tap';
import { nodesToFind } from '../../src/scheduler/schedule-pod.ts';
import { fitErrorMessage, preFilterMessage } from '../../src/scheduler/fit-error.ts';
import { unresolvable, unschedulable } from '../../src/scheduler/framework.ts';

// schedule_one.go numFeasibleNodesToFind.
for (const [nodes, percentage, expected] of [
  [5, 0, 5],
  [99, 10, 99],
  [100, 0, 100],
  [1000, 0, 420],
  [5000, 0, 500],
  [6000, 0, 300],
  [10_000, 0, 500],
  [1000, 100, 1000],
  [1000, 5, 100],
] as const)
  void t.test(`nodesToFind(${nodes}, ${percentage}) is ${expected}`, (t) => {
    t.equal(nodesToFind(nodes, percentage), expected);
    t.end();
  });

void t.test('fitErrorMessage() counts reasons in the order of their texts', (t) => {
  const rejected = new Map([
    ['a', unschedulable('Insufficient cpu', 'Insufficient memory')],
    ['b', unschedulable('Insufficient cpu')],
    ['c', unresolvable('node(s) were unschedulable')],
  ]);
  t.equal(
    fitErrorMessage(4, rejected, "node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    "0/4 nodes are available: 1 Insufficient memory, 1 node(s) didn't satisfy plugin(s) [NodeAffinity], " +
      '1 node(s) were unschedulable, 2 Insufficient cpu.',
  );
  t.equal(preFilterMessage(3, 'pod affinity terms conflict'), '0/3 nodes are available: pod affinity terms conflict.');
  t.end();
});
