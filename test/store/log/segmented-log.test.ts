import t from 'tap';
import type { Entry } from '../../../src/raft/entry.ts';
import { LogDamagedError } from '../../../src/store/log/block.ts';
import { SegmentedLog } from '../../../src/store/log/segmented-log.ts';
import { FakeDisk } from '../../fake/disk.ts';

const OPTIONS = { segmentBytes: 64 << 10 };

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function entry(index: number, bytes = 100, term = 1): Entry {
  return { term, index, type: 'EntryNormal', data: Buffer.alloc(bytes, index) };
}

function batch(entries: readonly Entry[], commit = 0) {
  return { hardState: { term: 1, vote: 2, commit }, entries, resetIndex: 0 };
}

void t.test('open() gives back what append() wrote, across segments', async (t) => {
  const disk = new FakeDisk();
  const { log } = await SegmentedLog.open(disk, OPTIONS);
  for (let index = 1; index <= 50; index += 1) await log.append(batch([entry(index, 3000)], index - 1));
  await log.close();
  const { recovered } = await SegmentedLog.open(disk, OPTIONS);
  t.same(
    recovered.entries.map(({ index }) => index),
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
  t.same(recovered.entries[49]?.data, Buffer.alloc(3000, 50));
  t.same(recovered.hardState, { term: 1, vote: 2, commit: 49 });
  t.ok(recovered.segments.length > 3);
});

void t.test('open() lets an entry replace what stood at its index and after', async (t) => {
  const disk = new FakeDisk();
  const { log } = await SegmentedLog.open(disk, OPTIONS);
  await log.append(batch([entry(1), entry(2), entry(3)]));
  await log.append(batch([entry(2, 10, 5)]));
  const { recovered } = await SegmentedLog.open(disk, OPTIONS);
  t.same(
    recovered.entries.map(({ index, term }) => [index, term]),
    [
      [1, 1],
      [2, 5],
    ],
  );
});

void t.test('a pulled plug loses nothing that was acknowledged, whatever it tears, life after life', async (t) => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = seeded(seed);
    let disk = new FakeDisk();
    let acknowledged = 0;
    let released = 0;
    for (let life = 0; life < 6; life += 1) {
      const { log, recovered } = await SegmentedLog.open(disk, OPTIONS);
      const last = recovered.entries.at(-1)?.index ?? released;
      if (last < acknowledged) t.fail(`seed ${seed}, life ${life}: ${last} of ${acknowledged}`);
      const first = recovered.entries[0]?.index ?? released + 1;
      if (first > released + 1) t.fail(`seed ${seed}, life ${life}: begins at ${first}, released ${released}`);
      for (const { index, data } of recovered.entries)
        if (data.some((byte) => byte !== index % 256)) t.fail(`seed ${seed}: entry ${index} is not what was written`);
      let next = last + 1;
      acknowledged = last;
      const appends = Math.floor(random() * 40);
      for (let i = 0; i < appends; i += 1) {
        await log.append(batch([entry(next, Math.floor(random() * 20_000))]));
        acknowledged = next;
        next += 1;
        if (random() < 0.1) {
          released = acknowledged - 1;
          await log.release(released);
        }
      }
      const cut = log.append(batch([entry(next, Math.floor(random() * 30_000))])).catch(() => undefined);
      await Promise.resolve();
      disk = disk.crash(random);
      await cut;
    }
  }
  t.pass('60 seeds of 6 lives each');
});

void t.test(
  'open() cuts a torn tail off, and says so of damage before it: every block of every acknowledged batch',
  async (t) => {
    const disk = new FakeDisk();
    const { log } = await SegmentedLog.open(disk, OPTIONS);
    for (let index = 1; index <= 12; index += 1) await log.append(batch([entry(index, 9000)]));
    const [name = ''] = [...disk.files.keys()].filter((one) => one.startsWith('segment-'));
    const bytes = disk.files.get(name) ?? Buffer.alloc(0);
    for (let at = 0; at < 5 * 12288; at += 2048) {
      const damaged = new FakeDisk();
      for (const [other, content] of disk.files) damaged.files.set(other, Buffer.from(content));
      const file = damaged.files.get(name) ?? bytes;
      if (file.subarray(at, at + 16).every((byte) => byte === 0)) continue; // padding: nothing to damage
      file[at + 3] = (file[at + 3] ?? 0) ^ 0x10;
      await t.rejects(SegmentedLog.open(damaged, OPTIONS), LogDamagedError, `byte ${at}`);
    }
  },
);

void t.test('recycled segments never give back the batches of their earlier life', async (t) => {
  const disk = new FakeDisk();
  const { log } = await SegmentedLog.open(disk, OPTIONS);
  for (let index = 1; index <= 200; index += 1) {
    await log.append(batch([entry(index, 3000)]));
    if (index % 10 === 0) await log.release(index);
  }
  t.ok(disk.files.size <= 6, `${disk.files.size} files`);
  const { recovered } = await SegmentedLog.open(disk, OPTIONS);
  const indexes = recovered.entries.map(({ index }) => index);
  t.equal(indexes.at(-1), 200);
  t.same(
    indexes,
    Array.from({ length: indexes.length }, (_, i) => 200 - indexes.length + 1 + i),
  );
});

void t.test('append() costs one flush and whole blocks: 4096 bytes for a small write', async (t) => {
  const disk = new FakeDisk();
  const { log } = await SegmentedLog.open(disk);
  const before = { bytes: disk.writtenBytes, flushes: disk.flushes };
  await log.append(batch([entry(1, 700)]));
  t.same([disk.writtenBytes - before.bytes, disk.flushes - before.flushes], [4096, 1]);
  await t.rejects(log.append(batch([entry(2, 9 << 20)])), RangeError);
});

void t.test('append() fails as the disk fails', async (t) => {
  const disk = new FakeDisk();
  const { log } = await SegmentedLog.open(disk, OPTIONS);
  disk.failure = new Error('EIO');
  await t.rejects(log.append(batch([entry(1)])), { message: 'EIO' });
});

void t.test('restarts without writes use no segment up', async (t) => {
  const disk = new FakeDisk();
  for (let i = 0; i < 10; i += 1) await (await SegmentedLog.open(disk, OPTIONS)).log.close();
  t.ok(disk.files.size <= 2, `${disk.files.size} files`);
});
