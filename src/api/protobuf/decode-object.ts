import type { FieldShape, ObjectShape, Shapes } from '../schema/shape.ts';
import type { FieldNumbers, WireField } from './field-numbers.ts';
import { decodeText, WireError, WireReader } from './wire-reader.ts';

/** `k8s\0`, in front of every object in protobuf (runtime/serializer/protobuf). */
export const PROTOBUF_PREFIX: readonly number[] = [0x6b, 0x38, 0x73, 0x00];
/** Schemas nest less deep; a hostile message must not exhaust the stack. */
const DEPTH_MAX = 64;

type Fields = Record<string, unknown>;

/** runtime.Unknown: an object's type and its bytes. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** @throws WireError */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (PROTOBUF_PREFIX.some((byte, i) => bytes[i] !== byte))
    throw new WireError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  const reader = new WireReader(bytes.subarray(PROTOBUF_PREFIX.length));
  while (!reader.isAtEnd) {
    const { id, wireType } = reader.tag();
    if (id === 1 && wireType === 2) {
      const type = new WireReader(reader.bytes());
      while (!type.isAtEnd) {
        const inner = type.tag();
        if (inner.id === 1 && inner.wireType === 2) apiVersion = type.text();
        else if (inner.id === 2 && inner.wireType === 2) kind = type.text();
        else type.skip(inner.wireType);
      }
    } else if (id === 2 && wireType === 2) raw = reader.bytes();
    else reader.skip(wireType);
  }
  return { apiVersion, kind, raw };
}

/** Reads objects of the kinds whose field numbers are known. */
export class ObjectDecoder {
  readonly #numbers: FieldNumbers;
  readonly #shapes: Shapes;

  constructor(numbers: FieldNumbers, shapes: Shapes) {
    this.#numbers = numbers;
    this.#shapes = shapes;
  }

  /**
   * The object as it would stand in JSON. Zero values that Go always sends, though nobody set them, are left out.
   * @throws WireError
   */
  decode(definition: string, bytes: Uint8Array): Fields {
    const shape = this.#shapes.get(definition);
    if (shape === undefined) throw new WireError(`${definition} has no protobuf form`);
    const object: Fields = {};
    this.#message(object, { definition, shape, depth: 0 }, bytes);
    return object;
  }

  #message(
    target: Fields,
    { definition, shape, depth }: { readonly definition: string; readonly shape: ObjectShape; readonly depth: number },
    bytes: Uint8Array,
  ): void {
    const fields = this.#numbers.get(definition);
    if (fields === undefined) throw new WireError(`${definition} has no protobuf form`);
    if (depth > DEPTH_MAX) throw new WireError('nested too deep');
    const reader = new WireReader(bytes);
    while (!reader.isAtEnd) {
      const { id, wireType } = reader.tag();
      const field = fields.get(id);
      if (field?.isEmbedded === true && wireType === 2) {
        const inner = `${definition.slice(0, definition.lastIndexOf('.'))}.${field.name}`;
        this.#message(target, { definition: inner, shape, depth: depth + 1 }, reader.bytes());
        continue;
      }
      const known = field === undefined ? undefined : shape.fields.get(field.name)?.shape;
      if (field === undefined || known === undefined) reader.skip(wireType);
      else this.#field(target, field, { shape: known, wireType, depth }, reader);
    }
  }

  #field(
    target: Fields,
    field: WireField,
    { shape, wireType, depth }: { readonly shape: FieldShape; readonly wireType: number; readonly depth: number },
    reader: WireReader,
  ): void {
    const { name, keepsZero } = field;
    if (shape.type === 'array') {
      const list = (target[name] ??= []) as unknown[];
      list.push(this.#value(shape.items, wireType, reader, depth));
      return;
    }
    if (shape.type === 'map') {
      const map = (target[name] ??= {}) as Fields;
      this.#entry(map, shape.values, reader, depth);
      return;
    }
    const value = this.#value(shape, wireType, reader, depth);
    if (keepsZero ? value !== null : !isZero(value)) target[name] = value;
  }

  #entry(map: Fields, shape: FieldShape, reader: WireReader, depth: number): void {
    const entry = new WireReader(reader.bytes());
    let key = '';
    let value: unknown;
    while (!entry.isAtEnd) {
      const { id, wireType } = entry.tag();
      if (id === 1 && wireType === 2) key = entry.text();
      else if (id === 2 && shape.type === 'array') value = this.#listValue(shape.items, entry, depth);
      else if (id === 2) value = this.#value(shape, wireType, entry, depth);
      else entry.skip(wireType);
    }
    // A key like `__proto__` must become a field of its own and nothing else.
    Object.defineProperty(map, key, { value: value ?? '', enumerable: true, configurable: true, writable: true });
  }

  /** A list as a map's value is a message of its own, whose first field repeats: ExtraValue of users' `extra`. */
  #listValue(items: FieldShape, reader: WireReader, depth: number): unknown[] {
    const list: unknown[] = [];
    const inner = new WireReader(reader.bytes());
    while (!inner.isAtEnd) {
      const { id, wireType } = inner.tag();
      if (id === 1) list.push(this.#value(items, wireType, inner, depth));
      else inner.skip(wireType);
    }
    return list;
  }

  #value(shape: FieldShape, wireType: number, reader: WireReader, depth: number): unknown {
    switch (shape.type) {
      case 'boolean':
        return reader.varint() !== 0n;
      case 'int32':
      case 'int64':
        return reader.integer();
      case 'number':
        return reader.double();
      case 'string':
        return wireType === 0 ? String(reader.integer()) : reader.text();
      case 'bytes':
        return toBase64(reader.bytes());
      case 'object':
        return this.#object(shape.definition, reader.bytes(), depth);
      case 'array':
      case 'map':
        throw new WireError('a list of lists has no protobuf form');
      default:
        return special(shape.type, reader.bytes());
    }
  }

  #object(definition: string, bytes: Uint8Array, depth: number): Fields {
    const shape = this.#shapes.get(definition);
    const object: Fields = {};
    if (shape !== undefined) this.#message(object, { definition, shape, depth: depth + 1 }, bytes);
    return object;
  }
}

/** Types that are messages on the wire and something simpler in JSON. */
function special(type: 'quantity' | 'int-or-string' | 'time' | 'micro-time' | 'any', bytes: Uint8Array): unknown {
  const numbers = new Map<number, number>();
  const texts = new Map<number, Uint8Array>();
  const reader = new WireReader(bytes);
  while (!reader.isAtEnd) {
    const { id, wireType } = reader.tag();
    if (wireType === 0) numbers.set(id, reader.integer());
    else if (wireType === 2) texts.set(id, reader.bytes());
    else reader.skip(wireType);
  }
  const text = (id: number): string => decodeText(texts.get(id) ?? new Uint8Array());
  switch (type) {
    case 'quantity':
      return text(1);
    case 'int-or-string':
      return (numbers.get(1) ?? 0) === 1 ? text(3) : (numbers.get(2) ?? 0);
    case 'any':
      return texts.size === 0 || text(1) === '' ? null : (JSON.parse(text(1)) as unknown);
    default:
      return numbers.size === 0 ? null : timeText(numbers, type === 'micro-time');
  }
}

function timeText(numbers: ReadonlyMap<number, number>, isMicro: boolean): string {
  const seconds = new Date((numbers.get(1) ?? 0) * 1000).toISOString().slice(0, 19);
  if (!isMicro) return `${seconds}Z`;
  const micros = Math.floor((numbers.get(2) ?? 0) / 1000);
  return `${seconds}.${String(micros).padStart(6, '0')}Z`;
}

function isZero(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
