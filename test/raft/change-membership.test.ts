import t from 'tap';
import { changeMembership, changeSimply, enterJoint, leaveJoint } from '../../src/raft/change-membership.ts';
import type { Configuration } from '../../src/raft/change-membership.ts';
import { EMPTY } from '../../src/raft/entry.ts';
import { describeMembership, EMPTY_MEMBERSHIP, toConfState } from '../../src/raft/membership.ts';
import { restoreMembership } from '../../src/raft/restore-membership.ts';
import { isSameConfState } from '../../src/raft/snapshot.ts';
import type { ConfState } from '../../src/raft/snapshot.ts';
import { oracleFiles, valueOf } from './interaction/data-driven.ts';
import type { Case } from './interaction/data-driven.ts';
import { parseSteps } from './interaction/describe.ts';

const files = oracleFiles('confchange');
const skip = files.length === 0 && 'the test data of etcd-io/raft is not there: ../shared/oracles/raft';
const limits = { messages: 10, bytes: 0 };

function change(current: Configuration, { command, args, input }: Case, lastIndex: number): Configuration {
  const options = { lastIndex, limits };
  if (command === 'leave-joint') return leaveJoint(current, options);
  if (command === 'simple') return changeSimply(current, parseSteps(input), options);
  return enterJoint(current, parseSteps(input), valueOf(args, 'autoleave') === 'true', options);
}

// etcd-io/raft confchange/testdata/*.txt. The last index grows by one with each command.
void t.test('a membership changes, or is refused, as in etcd-io/raft', { skip }, (t) => {
  for (const { name, cases } of files) {
    let current: Configuration = { membership: EMPTY_MEMBERSHIP, progress: new Map() };
    for (const [lastIndex, one] of cases.entries()) {
      let output: string;
      try {
        current = change(current, one, lastIndex);
        const lines = [...current.progress]
          .sort(([a], [b]) => a - b)
          .map(([id, progress]) => `${id}: ${progress.describe()}`);
        output = [describeMembership(current.membership), ...lines].join('\n');
      } catch (error) {
        output = error instanceof Error ? error.message : 'not an error';
      }
      t.equal(output.trim(), one.expected.trim(), `${name} line ${one.line}: ${one.command} ${one.input}`);
    }
  }
  t.end();
});

void t.test('changeMembership() leaves the old configuration as it was, also when it refuses', (t) => {
  const options = { lastIndex: 5, limits };
  const confState: ConfState = {
    voters: [1, 2, 3],
    votersOutgoing: [],
    learners: [4],
    learnersNext: [],
    autoLeave: false,
  };
  const old = restoreMembership(confState, options);
  const steps = parseSteps('l3 v4 r1 r2 r4');
  t.throws(
    () => changeMembership(old, { transition: 'implicit', steps, context: EMPTY }, options),
    /removed all voters/,
  );
  t.ok(isSameConfState(toConfState(old.membership), confState));
  t.equal(old.progress.get(4)?.isLearner, true, 'a refused promotion leaves no trace');
  t.end();
});

// Members: what a snapshot recorded must come back as it was, in joint configurations too.
void t.test('restoreMembership() gives back every membership that a snapshot can record', (t) => {
  const table: ConfState[] = [
    { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
    { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
    { voters: [1, 2, 3], votersOutgoing: [], learners: [5, 6], learnersNext: [], autoLeave: false },
    { voters: [1, 2, 3], votersOutgoing: [1, 2, 4, 6], learners: [5], learnersNext: [4], autoLeave: false },
    { voters: [7], votersOutgoing: [1, 2, 3], learners: [], learnersNext: [1, 2], autoLeave: true },
  ];
  for (const confState of table) {
    const { membership } = restoreMembership(confState, { lastIndex: 10, limits });
    t.ok(isSameConfState(toConfState(membership), confState), describeMembership(membership));
  }
  t.end();
});
