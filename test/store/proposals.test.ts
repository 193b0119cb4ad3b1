import t from 'tap';
import { isEtcdReason } from '../../src/store/etcd-api/etcd-error.ts';
import { Proposals } from '../../src/store/proposals.ts';

void t.test(
  'a proposal is proposed again under its id when the leader changes, and settles once applied',
  async (t) => {
    const proposals = new Proposals();
    const sent: number[] = [];
    const done = proposals.propose(0, (id) => () => sent.push(id) > 0);
    proposals.tick(500);
    t.same(sent, [1]);
    proposals.leaderChanged(600);
    proposals.tick(1700);
    t.same(sent, [1, 1, 1], 'nothing was heard for a second');
    proposals.applied(1, {});
    t.same(await done, {});
    proposals.tick(9000);
    t.same(sent, [1, 1, 1]);
  },
);

void t.test('one that Raft did not take is offered with every tick, and times out', async (t) => {
  const proposals = new Proposals();
  let offers = 0;
  const done = proposals.propose(0, () => () => (offers += 1) < 0).catch((error: unknown) => error);
  proposals.tick(50);
  proposals.tick(100);
  t.equal(offers, 3);
  proposals.tick(7000);
  t.ok(isEtcdReason(await done, 'Timeout'));
});

void t.test('one that Raft refused later is offered with the next tick', (t) => {
  const proposals = new Proposals();
  let offers = 0;
  void proposals.propose(0, () => () => (offers += 1) > 0);
  proposals.tick(50);
  t.equal(offers, 1, 'it is under way');
  proposals.refused(1);
  proposals.tick(100);
  t.equal(offers, 2);
  proposals.applied(1, {});
  t.end();
});

void t.test(
  'proposals are turned down beyond what may be kept in memory, and taken again once some are applied',
  async (t) => {
    const proposals = new Proposals();
    const send = () => () => true;
    const first = proposals.propose(0, send, 40 << 20);
    const refused = await proposals.propose(0, send, 30 << 20).catch((error: unknown) => error);
    t.ok(isEtcdReason(refused, 'TooManyRequests'));
    proposals.applied(1, {});
    await first;
    const second = proposals.propose(0, send, 30 << 20);
    proposals.applied(2, {});
    t.same(await second, {});
  },
);
