import { ProtobufError, ProtobufReader } from './protobuf-reader.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/**
 * Scalar types of proto3. 64-bit integers come as `number` (`int64`, `uint64`;
 * decoding throws beyond 2^53: right for revisions, times, sizes) or, where all
 * 64 bits are in use, as `bigint` (`bigint64`, `biguint64`: lease and member
 * ids); the wire is the same. Enums are `int32`.
 */
type Scalar =
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bigint64'
  | 'biguint64'
  | 'fixed32'
  | 'fixed64'
  | 'bool'
  | 'float'
  | 'double'
  | 'string'
  | 'bytes';

/** A scalar, or a message (as a function where messages refer to each other). */
export type FieldType = Scalar | MessageCodec | (() => MessageCodec);

/** One row of a message's table. */
export interface Field {
  readonly id: number;
  readonly type: FieldType;
  /**
   * `plain`: proto3 default when absent. `optional`: undefined when absent, sent even when zero (oneof members too).
   * `present`: an absent message is decoded as one of defaults.
   * `map`: a plain object keyed by string.
   */
  readonly label: 'plain' | 'optional' | 'present' | 'repeated' | 'map';
  /** Only of maps: the key's type. */
  readonly key?: 'string' | 'int32' | 'int64';
}

/** What the codec needs of a nested message, whatever its TypeScript type. */
export interface MessageCodec {
  readonly name: string;
  encodeInto(message: object, writer: ProtobufWriter): void;
  decodeFrom(reader: ProtobufReader, depth: number): object;
}

/** Encodes and decodes one message type. */
export interface MessageType<T> extends MessageCodec {
  /** Absent and `undefined` fields are not sent. `headroom` bytes are left unset in front (for a frame header). */
  encode(message: Partial<T>, headroom?: number): Buffer;
  /**
   * Every field of the table is set: scalars to their default, lists to `[]`, maps to `{}`, absent messages and
   * `optional` ones to `undefined`. `bytes` are views into `bytes`. @throws ProtobufError
   */
  decode(bytes: Uint8Array): T;
}

/** A field of the given number. */
export function field(id: number, type: FieldType): Field {
  return { id, type, label: 'plain' };
}

/** A field that tells absence from zero: proto3 `optional`, and members of a oneof. */
export function optional(id: number, type: FieldType): Field {
  return { id, type, label: 'optional' };
}

/** A message that the sender always sets; should it not, then it is one of defaults (shared and frozen). */
export function present(id: number, type: MessageCodec): Field {
  return { id, type, label: 'present' };
}

/** A list; numbers are sent packed and read either way. */
export function repeated(id: number, type: FieldType): Field {
  return { id, type, label: 'repeated' };
}

/** A `map<key, type>`; keys of integer type are written in decimal in the object. */
export function map(id: number, key: 'string' | 'int32' | 'int64', type: FieldType): Field {
  return { id, type, label: 'map', key };
}

/** A message type from its table: one row per field of `T`. */
export function message<T extends object>(name: string, table: Record<keyof T & string, Field>): MessageType<T> {
  return new TableCodec<T>(name, table);
}

type Value = unknown;
type Fields = Record<string, Value>;

interface Row {
  readonly name: string;
  readonly id: number;
  readonly label: Field['label'];
  readonly wireType: number;
  readonly isPacked: boolean;
  readonly read: (reader: ProtobufReader, depth: number) => Value;
  /** Writes the value with its tag. */
  readonly write: (writer: ProtobufWriter, value: Value) => void;
  readonly writeBare: (writer: ProtobufWriter, value: Value) => void;
  readonly isDefault: (value: Value) => boolean;
  readonly initial: () => Value;
}

/** Nested deeper than this is refused: a hostile message must not exhaust the stack. */
const DEPTH_MAX = 64;
const writer = new ProtobufWriter();
const EMPTY = Buffer.alloc(0);

class TableCodec<T extends object> implements MessageType<T> {
  readonly name: string;
  readonly #rows: readonly Row[];
  readonly #byId: (Row | undefined)[] = [];

  constructor(name: string, table: Record<string, Field>) {
    this.name = name;
    this.#rows = Object.entries(table)
      .map(([name, spec]) => makeRow(name, spec))
      .toSorted((a, b) => a.id - b.id);
    for (const row of this.#rows) this.#byId[row.id] = row;
  }

  encode(value: Partial<T>, headroom = 0): Buffer {
    try {
      this.encodeInto(value, writer);
      return writer.finish(headroom);
    } catch (error) {
      writer.reset();
      throw error;
    }
  }

  encodeInto(value: object, out: ProtobufWriter): void {
    const record = value as Fields;
    for (let i = this.#rows.length - 1; i >= 0; i -= 1) {
      const row = this.#rows[i];
      if (row === undefined) continue;
      const item = record[row.name];
      if (item === undefined || item === null) continue;
      if (row.label === 'repeated') writeList(row, out, item as readonly Value[]);
      else if (row.label === 'map') writeMap(row, out, item as Fields);
      else if (row.label === 'optional' || !row.isDefault(item)) row.write(out, item);
    }
  }

  decode(bytes: Uint8Array): T {
    return this.decodeFrom(new ProtobufReader(bytes), 0) as T;
  }

  decodeFrom(reader: ProtobufReader, depth: number): object {
    if (depth > DEPTH_MAX) throw new ProtobufError(`${this.name} is nested deeper than ${DEPTH_MAX}`);
    const result: Fields = {};
    for (const row of this.#rows) result[row.name] = row.initial();
    while (reader.position < reader.end) {
      const tag = reader.uint32();
      const row = this.#byId[tag >>> 3];
      const wireType = tag & 7;
      if (tag >>> 3 === 0) throw new ProtobufError(`${this.name} has a field number 0`);
      if (row === undefined) reader.skip(wireType);
      else this.#readField(row, wireType, reader, result, depth);
    }
    return result;
  }

  #readField(row: Row, wireType: number, reader: ProtobufReader, result: Fields, depth: number): void {
    if (row.label === 'repeated') {
      const list = result[row.name] as Value[];
      if (wireType === 2 && row.isPacked) readPacked(row, reader, list, depth);
      else if (wireType === row.wireType) list.push(row.read(reader, depth));
      else throw new ProtobufError(`${this.name}.${row.name} has wire type ${wireType}`);
      return;
    }
    if (wireType !== row.wireType) throw new ProtobufError(`${this.name}.${row.name} has wire type ${wireType}`);
    if (row.label !== 'map') {
      result[row.name] = row.read(reader, depth);
      return;
    }
    const [key, value] = row.read(reader, depth) as [string, Value];
    // defineProperty: a key such as __proto__ from the wire is only a key.
    Object.defineProperty(result[row.name], key, { value, writable: true, enumerable: true, configurable: true });
  }
}

function writeList(row: Row, out: ProtobufWriter, list: readonly Value[]): void {
  if (!row.isPacked) {
    for (let i = list.length - 1; i >= 0; i -= 1) row.write(out, list[i]);
    return;
  }
  if (list.length === 0) return;
  const before = out.written;
  for (let i = list.length - 1; i >= 0; i -= 1) row.writeBare(out, list[i]);
  out.uint32(out.written - before);
  out.uint32((row.id << 3) | 2);
}

function readPacked(row: Row, reader: ProtobufReader, list: Value[], depth: number): void {
  const inner = new ProtobufReader(reader.bytes());
  while (inner.position < inner.end) list.push(row.read(inner, depth));
}

function writeMap(row: Row, out: ProtobufWriter, entries: Fields): void {
  for (const entry of Object.entries(entries).toReversed()) row.write(out, entry);
}

function makeRow(name: string, spec: Field): Row {
  const kind = spec.label === 'map' ? mapKind(spec) : fieldKind(spec.type);
  const tag = ((spec.id << 3) | kind.wireType) >>> 0;
  const initial = initialOf(spec, kind);
  return {
    name,
    id: spec.id,
    label: spec.label,
    wireType: kind.wireType,
    isPacked: spec.label === 'repeated' && kind.wireType !== 2,
    read: kind.read,
    write: (out, value) => {
      kind.write(out, value);
      out.uint32(tag);
    },
    writeBare: kind.write,
    isDefault: kind.isDefault,
    initial,
  };
}

function initialOf(spec: Field, kind: Kind): () => Value {
  if (spec.label === 'repeated') return () => [];
  if (spec.label === 'map') return () => ({});
  if (spec.label === 'optional') return () => undefined;
  if (spec.label !== 'present' || typeof spec.type !== 'object') return () => kind.zero;
  const zero = Object.freeze(spec.type.decodeFrom(new ProtobufReader(EMPTY), 0));
  return () => zero;
}

interface Kind {
  readonly wireType: number;
  readonly zero: Value;
  readonly isDefault: (value: Value) => boolean;
  readonly read: (reader: ProtobufReader, depth: number) => Value;
  readonly write: (writer: ProtobufWriter, value: Value) => void;
}

function fieldKind(type: FieldType): Kind {
  if (typeof type === 'string') return SCALARS[type];
  let resolved: MessageCodec | undefined;
  const codec = (): MessageCodec => (resolved ??= typeof type === 'function' ? type() : type);
  return {
    wireType: 2,
    zero: undefined,
    isDefault: (value) => value === undefined,
    read: (reader, depth) => {
      const length = reader.uint32();
      const outerEnd = reader.end;
      if (length > outerEnd - reader.position) throw new ProtobufError(`${codec().name} is truncated`);
      reader.end = reader.position + length;
      const value = codec().decodeFrom(reader, depth + 1);
      reader.end = outerEnd;
      return value;
    },
    write: (out, value) => {
      const before = out.written;
      codec().encodeInto(value as object, out);
      out.uint32(out.written - before);
    },
  };
}

/** An entry travels as a nested message of key (1) and value (2). */
function mapKind(spec: Field): Kind {
  const keyKind = SCALARS[spec.key ?? 'string'];
  const isText = spec.key === 'string';
  const valueKind = fieldKind(spec.type);
  return {
    wireType: 2,
    zero: undefined,
    isDefault: () => false,
    read: (reader, depth) => {
      const inner = new ProtobufReader(reader.bytes());
      let key: Value = keyKind.zero;
      let value: Value = valueKind.zero ?? (typeof spec.type === 'string' ? undefined : {});
      while (inner.position < inner.end) {
        const tag = inner.uint32();
        if (tag >>> 3 === 1) key = keyKind.read(inner, depth);
        else if (tag >>> 3 === 2) value = valueKind.read(inner, depth);
        else inner.skip(tag & 7);
      }
      return [String(key), value];
    },
    write: (out, entry) => {
      const [key, value] = entry as [string, Value];
      const before = out.written;
      valueKind.write(out, value);
      out.uint32((2 << 3) | valueKind.wireType);
      keyKind.write(out, isText ? key : Number(key));
      out.uint32((1 << 3) | keyKind.wireType);
      out.uint32(out.written - before);
    },
  };
}

/** A kind from its wire type, zero, and the reader's and writer's methods. */
function scalar<V>(
  wireType: number,
  zero: V,
  read: (reader: ProtobufReader) => V,
  write: (writer: ProtobufWriter, value: V) => void,
): Kind {
  return {
    wireType,
    zero,
    isDefault: (value) => value === zero,
    read,
    write: (out, value) => write(out, value as V),
  };
}

const SCALARS: Record<Scalar, Kind> = {
  int32: scalar(
    0,
    0,
    (r) => r.int32(),
    (w, v) => w.int64(v),
  ),
  uint32: scalar(
    0,
    0,
    (r) => r.uint32(),
    (w, v) => w.uint32(v),
  ),
  int64: scalar(
    0,
    0,
    (r) => r.int64(),
    (w, v) => w.int64(v),
  ),
  uint64: scalar(
    0,
    0,
    (r) => r.uint64(),
    (w, v) => w.int64(v),
  ),
  bigint64: scalar(
    0,
    0n,
    (r) => r.bigint64(),
    (w, v) => w.bigint64(v),
  ),
  biguint64: scalar(
    0,
    0n,
    (r) => r.biguint64(),
    (w, v) => w.bigint64(v),
  ),
  fixed32: scalar(
    5,
    0,
    (r) => r.fixed32(),
    (w, v) => w.fixed32(v),
  ),
  fixed64: scalar(
    1,
    0n,
    (r) => r.fixed64(),
    (w, v) => w.fixed64(v),
  ),
  bool: scalar(
    0,
    false,
    (r) => r.bool(),
    (w, v) => w.byte(v ? 1 : 0),
  ),
  float: scalar(
    5,
    0,
    (r) => r.float(),
    (w, v) => w.float(v),
  ),
  double: scalar(
    1,
    0,
    (r) => r.double(),
    (w, v) => w.double(v),
  ),
  string: scalar(
    2,
    '',
    (r) => r.string(),
    (w, v) => w.string(v),
  ),
  bytes: {
    wireType: 2,
    zero: EMPTY,
    isDefault: (value) => (value as Uint8Array).length === 0,
    read: (reader) => reader.bytes(),
    write: (out, value) => out.bytes(value as Uint8Array),
  },
};
