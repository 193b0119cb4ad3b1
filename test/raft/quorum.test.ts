import t from 'tap';
import type { Test } from 'tap';
import { jointIndex, jointVote, majorityIndex, majorityVote, voterIds } from '../../src/raft/quorum.ts';
import type { Voters, VoteResult } from '../../src/raft/quorum.ts';
import { oracleFiles } from './interaction/data-driven.ts';
import type { Case } from './interaction/data-driven.ts';

const files = oracleFiles('quorum');
const skip = files.length === 0 && 'the test data of etcd-io/raft is not there: ../shared/oracles/raft';

const RESULT_TEXTS: Record<VoteResult, string> = { pending: 'VotePending', lost: 'VoteLost', won: 'VoteWon' };

interface Input {
  readonly voters: Voters;
  readonly isJoint: boolean;
  /** A value per voter, in the order in which they were first named; `_` is none. */
  readonly values: ReadonlyMap<number, string>;
  readonly fault: string | null;
}

function parse({ command, args }: Case): Input {
  const list = (key: string) => args.find((arg) => arg.key === key)?.values.filter((value) => value !== '') ?? [];
  const [first, second] = [
    list('cfg').map(Number),
    list('cfgj')
      .filter((value) => value !== 'zero')
      .map(Number),
  ];
  const voters = { incoming: new Set(first), outgoing: new Set(second) };
  const given = list(command === 'vote' ? 'votes' : 'idx');
  const named = [...new Set([...first, ...second])];
  const values = new Map(named.map((id, at) => [id, given[at] ?? '_'] as const));
  for (const [id, value] of values) if (value === '_') values.delete(id);
  const numbers = given.map((value) => ({ _: '0', y: '2', n: '1' })[value] ?? value);
  const wrong = `error: mismatched input (explicit or _) for voters map[`;
  const fault =
    named.length === given.length
      ? null
      : `${wrong}${voterIds(voters)
          .map((id) => `${id}:{}`)
          .join(' ')}]: [${numbers.join(' ')}]`;
  return { voters, isJoint: args.some((arg) => arg.key === 'cfgj'), values, fault };
}

/** The table of etcd's quorum tests: a bar per voter, as long as the number of voters that are behind it. */
function describe({ voters, values }: Input): string {
  const ids = voterIds(voters);
  if (ids.length === 0) return '<empty majority quorum>';
  const width = ids.length;
  const indexes = ids.map((id) => Number(values.get(id) ?? 0));
  const lines = ids.map((id, at) => {
    const index = indexes[at] ?? 0;
    const behind = indexes.filter((other) => other < index).length;
    const bar = values.has(id) ? `${'x'.repeat(behind)}>${' '.repeat(width - behind)}` : `?${' '.repeat(width)}`;
    return `${bar} ${String(index).padStart(5)}    (id=${id.toString(16)})\n`;
  });
  return `${' '.repeat(width)}    idx\n${lines.join('')}`;
}

function committed(t: Test, input: Input): string {
  const { voters, isJoint, values } = input;
  const acked = (id: number) => (values.has(id) ? Number(values.get(id)) : undefined);
  const { incoming, outgoing } = voters;
  const index = isJoint ? jointIndex(voters, acked) : majorityIndex(incoming, acked);
  t.equal(jointIndex({ incoming: outgoing, outgoing: incoming }, acked), index, 'the halves are equals');
  if (!isJoint) t.equal(jointIndex({ incoming, outgoing: incoming }, acked), index, 'a majority agrees with itself');
  return `${describe(input)}${index === Infinity ? '∞' : index}`;
}

function vote(t: Test, { voters, isJoint, values }: Input): string {
  const votes = new Map([...values].map(([id, value]) => [id, value === 'y']));
  const { incoming, outgoing } = voters;
  const result = isJoint ? jointVote(voters, votes) : majorityVote(incoming, votes);
  t.equal(jointVote({ incoming: outgoing, outgoing: incoming }, votes), result, 'the halves are equals');
  return RESULT_TEXTS[result];
}

// etcd-io/raft quorum/testdata/*.txt
void t.test('quorums commit and elect as in etcd-io/raft', { skip }, (t) => {
  for (const { name, cases } of files) {
    for (const one of cases) {
      const input = parse(one);
      const output = input.fault ?? (one.command === 'vote' ? vote(t, input) : committed(t, input));
      t.equal(output.trimEnd(), one.expected.trimEnd(), `${name} line ${one.line}`);
    }
  }
  t.end();
});
