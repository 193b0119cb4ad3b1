import t from 'tap';
import { silentLog } from '../../src/host/log.ts';
import { Member } from '../../src/store/member.ts';
import { foundMember, openMember } from '../../src/store/open-member.ts';
import { FakeDisk } from '../fake/disk.ts';

t.setTimeout(120_000);

const IDENTITY = { clusterId: 9, memberId: 1 };
const OPTIONS = { name: 'a', clientUrls: [], quotaBytes: 2 ** 31, requestBytesMax: 1_572_864, log: silentLog };
const FOUNDER = { id: 1, name: 'a', peerUrls: ['http://127.0.0.1:1'], clientUrls: [] };

function put(key: string, value: Buffer) {
  return { put: { key: Buffer.from(key), value, lease: 0n, prevKv: false, ignoreValue: false, ignoreLease: false } };
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

void t.test('a member whose plug is pulled again and again keeps every acknowledged write', async (t) => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const random = seeded(seed);
    let disk = new FakeDisk();
    await foundMember(disk, IDENTITY, [FOUNDER]);
    const acknowledged = new Map<string, number>();
    const attempted = new Map<string, number>();
    for (let life = 0; life < 6; life += 1) {
      const stop = new AbortController();
      const member = new Member(await openMember(disk, IDENTITY), OPTIONS);
      const running = member.run(stop.signal).catch(() => undefined);
      await member.readBarrier();
      for (const [key, version] of acknowledged) {
        const found = member.state.store.get(key)?.version ?? 0;
        if (found < version || found > (attempted.get(key) ?? 0))
          t.fail(`seed ${seed}, life ${life}: "${key}" has version ${found}, acknowledged ${version}`);
      }
      const writes = Array.from({ length: Math.floor(random() * 60) }, async (_, i) => {
        const key = `k${i % 7}`;
        attempted.set(key, (attempted.get(key) ?? 0) + 1);
        const applied = await member
          .propose(put(key, Buffer.alloc(Math.floor(random() * 100_000))))
          .catch(() => undefined);
        if (applied !== undefined) acknowledged.set(key, member.state.store.get(key)?.version ?? 0);
      });
      for (let i = Math.floor(random() * 40); i > 0; i -= 1) await new Promise((resolve) => setImmediate(resolve));
      disk = disk.crash(random);
      stop.abort();
      await running;
      await Promise.all(writes);
    }
    t.ok(acknowledged.size > 0, `seed ${seed}`);
  }
});

void t.test('checkpoints are written and segments used again: the disk holds a bounded log', async (t) => {
  const disk = new FakeDisk();
  await foundMember(disk, IDENTITY, [FOUNDER]);
  const stop = new AbortController();
  const member = new Member(await openMember(disk, IDENTITY), OPTIONS);
  const running = member.run(stop.signal);
  for (let i = 0; i < 80; i += 1) await member.propose(put(`k${i % 3}`, Buffer.alloc(1 << 20, i)));
  await member.propose({ compact: { revision: member.state.store.revision, physical: false } });
  for (let i = 0; i < 40; i += 1) await member.propose(put('k', Buffer.alloc(1 << 20, i)));
  stop.abort();
  await running;
  const names = [...disk.files.keys()];
  t.equal(names.filter((name) => name.startsWith('checkpoint-')).length, 1);
  const segments = names.filter((name) => /^(segment|spare)-/.test(name));
  t.ok(segments.length <= 18, `${segments.length} segments`);
  const again = await openMember(disk, IDENTITY);
  t.ok(again.meta.index > 50, `checkpoint at ${again.meta.index}`);
  const next = new AbortController();
  const restarted = new Member(again, OPTIONS);
  const second = restarted.run(next.signal);
  await restarted.readBarrier();
  t.equal(restarted.state.store.revision, member.state.store.revision);
  next.abort();
  await second;
});

void t.test('a member ends when its disk fails, and acknowledges nothing after it', async (t) => {
  const disk = new FakeDisk();
  await foundMember(disk, IDENTITY, [FOUNDER]);
  const member = new Member(await openMember(disk, IDENTITY), OPTIONS);
  const running = member.run(new AbortController().signal);
  await member.propose(put('k', Buffer.from('1')));
  disk.failure = new Error('EIO');
  const write = member.propose(put('k', Buffer.from('2'))).catch((error: unknown) => error);
  await t.rejects(running, { message: 'EIO' });
  t.match(await write, { reason: 'Stopped' });
});
