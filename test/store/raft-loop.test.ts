import t from 'tap';
import { createLog } from '../../src/host/log.ts';
import type { Message } from '../../src/raft/message.ts';
import { createMessage } from '../../src/raft/message.ts';
import { LogStorage } from '../../src/store/log-storage.ts';
import { RaftLoop } from '../../src/store/raft-loop.ts';

const CONF_STATE = { voters: [1, 2], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** The first of two voters, elected; what it sends to the second is noted, what it writes is durable at once. */
async function lead(t: { teardown(run: () => void): void }) {
  const sent: Message[] = [];
  const storage = new LogStorage(() => ({ index: 1, term: 1, confState: CONF_STATE, data: new Uint8Array(0) }));
  storage.restore({ term: 1, vote: 0, commit: 1 }, { index: 1, term: 1, confState: CONF_STATE }, []);
  const loop: RaftLoop = new RaftLoop(
    1,
    storage,
    1,
    {
      append: (work) => {
        storage.append(work.entries);
        loop.respond(work);
      },
      apply: () => undefined,
      send: (messages) => void sent.push(...messages),
      onRead: () => undefined,
      onSoftState: () => undefined,
      onTick: () => undefined,
    },
    createLog('test'),
  );
  t.teardown(() => loop.stop());
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const answer = async (type: Message['type'], fields: Partial<Message> = {}): Promise<void> => {
    loop.receive(createMessage({ type, from: 2, to: 1, term: 2, ...fields }));
    await turn();
  };
  loop.start();
  loop.raw.campaign();
  loop.schedule();
  await turn();
  await answer('MsgPreVoteResp');
  await answer('MsgVoteResp');
  await answer('MsgAppResp', { index: 2 });
  sent.length = 0;
  return { loop, sent, turn, answer };
}

const data = (text: string): Buffer => Buffer.from(text);

void t.test('RaftLoop proposes all of one turn together: one message to a follower', async (t) => {
  const { loop, sent, turn } = await lead(t);
  const refused: string[] = [];
  for (const text of ['a', 'b', 'c']) loop.propose(data(text), () => refused.push(text));
  await turn();
  t.same(
    sent.map(({ type, entries }) => [type, entries.map((entry) => Buffer.from(entry.data).toString())]),
    [['MsgApp', ['a', 'b', 'c']]],
  );
  t.same(refused, []);
});

void t.test('RaftLoop bounds what goes together, and loses nothing of it', async (t) => {
  const { loop, sent, turn } = await lead(t);
  const sizes = [700_000, 700_000, 10, 1_500_000, 10];
  for (const bytes of sizes) loop.propose(Buffer.alloc(bytes), () => t.fail('refused'));
  await turn();
  t.same(
    sent.map(({ entries }) => entries.map((entry) => entry.data.length)),
    [[700_000], [700_000, 10], [1_500_000], [10]],
  );
});

void t.test('RaftLoop tells of each proposal that Raft refuses', async (t) => {
  const { loop, turn } = await lead(t);
  loop.raw.transferLeader(2);
  const refused: string[] = [];
  for (const text of ['a', 'b']) loop.propose(data(text), () => refused.push(text));
  await turn();
  t.same(refused, ['a', 'b']);
});

void t.test('RaftLoop tells of a commit with the next append, else a moment later', async (t) => {
  const { loop, sent, turn, answer } = await lead(t);
  loop.propose(data('a'), () => undefined);
  await turn();
  await answer('MsgAppResp', { index: 3 });
  loop.propose(data('b'), () => undefined);
  await turn();
  t.same(
    sent.map(({ type, entries, commit }) => [type, entries.length, commit]),
    [
      ['MsgApp', 1, 2],
      ['MsgApp', 1, 3],
    ],
  );
  await answer('MsgAppResp', { index: 4 });
  while (!sent.some(({ commit }) => commit === 4)) await turn();
  t.equal(sent.filter(({ type }) => type === 'MsgApp').length, 3);
});
