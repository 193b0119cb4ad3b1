import t from 'tap';
import type { Status } from '../../src/raft/status.ts';
import { isEtcdReason } from '../../src/store/etcd-api/etcd-error.ts';
import type { MemberInfo } from '../../src/store/member-info.ts';
import { MembershipKeeper } from '../../src/store/membership-keeper.ts';

const info = (id: number): MemberInfo => ({ id, name: `m${id}`, peerUrls: [`http://m${id}`], clientUrls: [] });

/** The first of three members leads; `heard` tells, look by look, whom of the others it has heard of late. */
function keeper(heard: readonly (readonly number[])[]) {
  let looks = 0;
  const proposed: unknown[] = [];
  const made = new MembershipKeeper({
    clusterId: 9,
    members: new Map([1, 2, 3].map((id) => [id, info(id)])),
    confState: () => ({ voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false }),
    status: () => {
      const alive = heard[looks++] ?? [];
      const progress = new Map([1, 2, 3].map((id) => [id, { match: 5, isRecentlyActive: alive.includes(id) }]));
      return { id: 1, lastIndex: 5, progress } as unknown as Status;
    },
    proposer: { proposeConfChange: async (make) => void proposed.push(make(7, 8).steps) },
    transferLeader: () => undefined,
    leader: () => 1,
  });
  return { made, proposed, looks: () => looks };
}

void t.test('MembershipKeeper removes a member when a majority of the rest was heard', async (t) => {
  const { made, proposed, looks } = keeper([[2]]);
  t.equal(await made.change({ remove: 3n }), 3n);
  t.same(proposed, [[{ type: 'remove', id: 3 }]]);
  t.equal(looks(), 1);
});

// Raft forgets whom it has heard at each check of the quorum: a change right after that was refused by chance.
void t.test('MembershipKeeper looks again before it says that too few live', async (t) => {
  const { made, proposed } = keeper([[], [2]]);
  t.equal(await made.change({ remove: 3n }), 3n);
  t.equal(proposed.length, 1);
  const dead = keeper([[], []]);
  const error = await dead.made.change({ remove: 3n }).catch((reason: unknown) => reason);
  t.ok(isEtcdReason(error, 'MemberNotEnoughStarted'));
  t.same(dead.proposed, []);
});

void t.test('MembershipKeeper refuses at once what no waiting would change', async (t) => {
  const { made, looks } = keeper([[2, 3]]);
  t.ok(isEtcdReason(await made.change({ remove: 4n }).catch((reason: unknown) => reason), 'MemberNotFound'));
  t.equal(looks(), 1);
  t.ok(isEtcdReason(await made.moveLeader(4n).catch((reason: unknown) => reason), 'BadLeaderTransferee'));
});
