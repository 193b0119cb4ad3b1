import t from 'tap';
import { type BoltEntry, boltFile } from '../../../src/store/bolt/bolt-file.ts';

// What etcd's own tools make of such a file is in test/cli/etcdctl.test.ts.

const PAGE = 4096;

function entriesOf(count: number, valueBytes: (i: number) => number): BoltEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`key-${String(i).padStart(6, '0')}`),
    value: Buffer.alloc(valueBytes(i), i),
  }));
}

/** Reads a tree as bbolt does: branches to leaves, elements by their positions. */
function read(file: Buffer, id: number): { key: string; value: Buffer }[] {
  const at = id * PAGE;
  const [flags, count] = [file.readUInt16LE(at + 8), file.readUInt16LE(at + 10)];
  t.equal(file.readBigUInt64LE(at), BigInt(id), 'a page knows its number');
  const elements = Array.from({ length: count }, (_, i) => at + 16 + i * 16);
  if (flags === 1) return elements.flatMap((element) => read(file, Number(file.readBigUInt64LE(element + 8))));
  return elements.map((element) => {
    const keyAt = element + file.readUInt32LE(element + 4);
    const valueAt = keyAt + file.readUInt32LE(element + 8);
    const value = file.subarray(valueAt, valueAt + file.readUInt32LE(element + 12));
    return { key: file.toString('utf8', keyAt, valueAt), value };
  });
}

void t.test('boltFile() makes trees in which every entry of every bucket is found, in order', (t) => {
  const cases = [
    entriesOf(0, () => 0),
    entriesOf(1, () => 0),
    entriesOf(3, () => PAGE - 16 - 16 - 10), // exactly a page each
    entriesOf(5, () => 3 * PAGE), // over several pages
    entriesOf(30_000, (i) => i % 7), // two levels of branches
    entriesOf(500, (i) => (i % 50) * 200),
  ];
  const buckets = cases.map((entries, i) => ({ name: `b${i}`, entries: () => entries }));
  const { bytes, pages } = boltFile(buckets);
  const file = Buffer.concat([...pages()]);
  t.equal(file.length, bytes, 'the size that was announced');
  for (const meta of [0, 1]) t.equal(file.readUInt32LE(meta * PAGE + 16), 0xed0cdaed);
  t.equal(file.readBigUInt64LE(PAGE + 16 + 40), BigInt(bytes / PAGE), 'the mark up to which pages are in use');
  const names = read(file, Number(file.readBigUInt64LE(PAGE + 16 + 16)));
  t.same(
    names.map(({ key }) => key),
    ['b0', 'b1', 'b2', 'b3', 'b4', 'b5'],
  );
  for (const [i, { value }] of names.entries()) {
    const found = read(file, Number(value.readBigUInt64LE(0)));
    const expected = cases[i] ?? [];
    t.equal(found.length, expected.length, `b${i}`);
    const isSame = found.every((one, at) => {
      const want = expected[at];
      return want !== undefined && one.key === want.key.toString() && one.value.equals(want.value);
    });
    t.ok(isSame, `b${i}: keys and values`);
  }
  t.end();
});

void t.test('boltFile() says so when entries changed between the two times', (t) => {
  let times = 0;
  const entries = (): BoltEntry[] => entriesOf((times += 1) === 1 ? 2 : 1, () => 1);
  t.throws(() => [...boltFile([{ name: 'b', entries }]).pages()], { message: 'bucket "b" had more entries before' });
  t.end();
});
