import protobufjs from 'protobufjs';
import t from 'tap';
import { field, map, message, optional, repeated } from '../../src/host/protobuf.ts';
import { ProtobufError } from '../../src/host/protobuf-reader.ts';

interface Inner {
  readonly id: bigint;
  readonly text: string;
}

interface Outer {
  readonly small: number;
  readonly big: number;
  readonly signed: number;
  readonly id: bigint;
  readonly flag: boolean;
  readonly ratio: number;
  readonly text: string;
  readonly data: Buffer;
  readonly inner: Inner | undefined;
  readonly inners: readonly Inner[];
  readonly numbers: readonly number[];
  readonly labels: Readonly<Record<string, string>>;
  readonly version: number | undefined;
}

const inner = message<Inner>('Inner', { id: field(1, 'bigint64'), text: field(2, 'string') });
const outer = message<Outer>('Outer', {
  small: field(1, 'int32'),
  big: field(2, 'int64'),
  signed: field(3, 'int64'),
  id: field(4, 'biguint64'),
  flag: field(5, 'bool'),
  ratio: field(6, 'double'),
  text: field(7, 'string'),
  data: field(8, 'bytes'),
  inner: field(9, inner),
  inners: repeated(10, inner),
  numbers: repeated(11, 'int64'),
  labels: map(12, 'string', 'string'),
  version: optional(64, 'int64'),
});

const proto = protobufjs
  .parse(`syntax = "proto3";
message Inner { int64 id = 1; string text = 2; }
message Outer { int32 small = 1; int64 big = 2; int64 signed = 3; uint64 id = 4; bool flag = 5; double ratio = 6;
  string text = 7; bytes data = 8; Inner inner = 9; repeated Inner inners = 10; repeated int64 numbers = 11;
  map<string,string> labels = 12; oneof target { int64 version = 64; } }`)
  .root.lookupType('Outer');

const full: Outer = {
  small: -7,
  big: 2 ** 52 + 1,
  signed: -1,
  id: 2n ** 64n - 3n,
  flag: true,
  ratio: 0.1,
  text: 'ä€'.repeat(100),
  data: Buffer.alloc(300, 7),
  inner: { id: -5n, text: 'x' },
  inners: [
    { id: 1n, text: '' },
    { id: 2n ** 62n, text: 'two' },
  ],
  numbers: [0, 1, 300, 2 ** 40],
  labels: { a: '1', b: '' },
  version: 0,
};

void t.test('encode() writes what protobufjs reads, and decode() reads what protobufjs writes', (t) => {
  const bytes = outer.encode(full);
  const theirs = proto.decode(bytes);
  t.same(outer.decode(proto.encode(theirs).finish()), full);
  const plain = proto.toObject(theirs, { longs: String, bytes: String });
  t.equal(plain.id, '18446744073709551613');
  t.equal(plain.big, String(2 ** 52 + 1));
  t.equal(plain.signed, '-1');
  t.same(plain.numbers, ['0', '1', '300', String(2 ** 40)]);
  t.same(outer.decode(bytes), full);
  t.end();
});

void t.test('64-bit integers are as protobufjs writes them, at every length of the varint', (t) => {
  for (let shift = 0n; shift < 64n; shift += 1n)
    for (const near of [-1n, 0n, 1n]) {
      const id = BigInt.asIntN(64, (1n << shift) + near);
      const bytes = outer.encode({ inners: [{ id, text: '' }] });
      const [theirs] = proto.toObject(proto.decode(bytes), { longs: String }).inners as { id?: string }[];
      if ((theirs?.id ?? '0') !== String(id)) t.fail(`${id}: protobufjs reads ${theirs?.id}`);
      if (outer.decode(bytes).inners[0]?.id !== id)
        t.fail(`${id} is read back as ${outer.decode(bytes).inners[0]?.id}`);
      const big = Number(id);
      if (!Number.isSafeInteger(big)) continue;
      const plain = outer.encode({ big });
      if (outer.decode(plain).big !== big) t.fail(`${big} as int64`);
      if (id !== 0n && proto.toObject(proto.decode(plain), { longs: String }).big !== String(id))
        t.fail(`${id}: int64`);
    }
  t.pass('192 numbers');
  t.end();
});

void t.test('decode() gives defaults for absent fields and tells absence of optional ones', (t) => {
  const empty = outer.decode(Buffer.alloc(0));
  t.same(
    [empty.small, empty.id, empty.text, empty.data.length, empty.inner, empty.inners, empty.labels, empty.version],
    [0, 0n, '', 0, undefined, [], {}, undefined],
  );
  t.equal(outer.encode(empty).length, 0);
  t.equal(outer.decode(outer.encode({ version: 0 })).version, 0);
  t.end();
});

void t.test('decode() passes over unknown fields and takes lists packed or not', (t) => {
  const unpacked = Buffer.from([0x58, 1, 0x58, 0x96, 1, 0xa2, 0x06, 2, 9, 9]); // 11: 1, 11: 150, 100: bytes
  t.same(outer.decode(unpacked).numbers, [1, 150]);
  t.end();
});

void t.test('decode() throws ProtobufError for every truncation and for unsafe integers', (t) => {
  const bytes = outer.encode(full);
  for (let length = 1; length < bytes.length; length += 1) {
    try {
      outer.decode(bytes.subarray(0, length));
    } catch (error) {
      if (!(error instanceof ProtobufError)) t.fail(`length ${length}: ${String(error)}`);
    }
  }
  t.throws(
    () => outer.decode(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])),
    ProtobufError,
  );
  t.throws(() => outer.decode(Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f])), ProtobufError);
  t.end();
});

void t.test('decode() keeps __proto__ as an ordinary map key', (t) => {
  const labels = Object.fromEntries([['__proto__', 'x']]);
  const decoded = outer.decode(outer.encode({ labels }));
  t.same(Object.keys(decoded.labels), ['__proto__']);
  t.equal(Object.getPrototypeOf(decoded.labels), Object.prototype);
  t.end();
});
