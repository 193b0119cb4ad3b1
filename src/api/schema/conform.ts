import { canonicalQuantity } from '../quantity.ts';
import { StatusError } from '../status.ts';
import type { FieldShape, ObjectShape, Shapes } from './shape.ts';

/** A value that is not of its field's type, in the words of Go's decoder. */
export class TypeMismatch extends Error {
  override readonly name = 'TypeMismatch';
}

interface Place {
  /** Go's struct that holds the field, and the fields from the root on, without indexes. */
  readonly struct: string;
  readonly path: string;
}

/**
 * Brings a decoded value to its schema, in place: unknown fields, nulls and empty optional lists and maps go, quantities
 * become canonical. What is of another type than its schema says is an error, as it is to Go's decoder.
 * @throws TypeMismatch
 */
export function conformObject(value: unknown, shape: ObjectShape, shapes: Shapes, path = ''): void {
  if (!isRecord(value)) throw mismatch(value, { struct: '', path }, shape.name);
  for (const [name, inner] of Object.entries(value)) {
    const field = shape.fields.get(name);
    if (field === undefined || inner === null || inner === undefined) {
      delete value[name];
      continue;
    }
    value[name] = conform(inner, field.shape, shapes, {
      struct: shape.name,
      path: path === '' ? name : `${path}.${name}`,
    });
    // Else `kubectl diff` would show what upstream cannot keep.
    if (field.isOmittedEmpty === true && isEmpty(value[name])) delete value[name];
  }
}

function conform(value: unknown, shape: FieldShape, shapes: Shapes, place: Place): unknown {
  switch (shape.type) {
    case 'string':
      if (typeof value !== 'string') throw mismatch(value, place, 'string');
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw mismatch(value, place, 'bool');
      return value;
    case 'int32':
    case 'int64':
      if (typeof value !== 'number') throw mismatch(value, place, shape.type);
      if (!Number.isInteger(value) || (shape.type === 'int32' && value !== (value | 0)))
        throw mismatch(value, place, shape.type, `number ${value}`);
      return value;
    case 'number':
      if (typeof value !== 'number') throw mismatch(value, place, 'float64');
      return value;
    case 'array':
      if (!Array.isArray(value)) throw mismatch(value, place, `[]${goType(shape.items)}`);
      return conformItems(value, shape.items, shapes, place);
    case 'map':
      if (!isRecord(value)) throw mismatch(value, place, `map[string]${goType(shape.values)}`);
      for (const [key, inner] of Object.entries(value)) {
        const next = inner === null ? zero(shape.values) : conform(inner, shape.values, shapes, place);
        if (next !== inner) value[key] = next; // a write costs much in a map of 100,000 keys
      }
      return value;
    case 'object':
      return conformNested(value, shape.definition, shapes, place);
    case 'any':
      return value;
    default:
      return conformLeaf(value, shape, place);
  }
}

function conformNested(value: unknown, definition: string, shapes: Shapes, place: Place): unknown {
  const inner = shapes.get(definition);
  if (inner === undefined) return value;
  if (!isRecord(value)) throw mismatch(value, place, `v1.${inner.name}`);
  conformObject(value, inner, shapes, place.path);
  return value;
}

function conformItems(values: unknown[], shape: FieldShape, shapes: Shapes, place: Place): unknown[] {
  for (const [i, item] of values.entries())
    values[i] = item === null ? zero(shape) : conform(item, shape, shapes, place);
  return values;
}

/** Strings with a form of their own. */
function conformLeaf(value: unknown, shape: FieldShape, place: Place): unknown {
  switch (shape.type) {
    case 'bytes':
      if (typeof value !== 'string') throw mismatch(value, place, '[]uint8');
      return base64(value);
    case 'quantity':
      return quantity(value);
    case 'int-or-string':
      if (typeof value === 'string' || Number.isInteger(value)) return value;
      throw mismatch(value, place, typeof value === 'number' ? 'int32' : 'string');
    default:
      if (typeof value !== 'string') throw mismatch(value, place, 'string');
      return time(value, shape.type === 'micro-time');
  }
}

const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;

function base64(text: string): string {
  const joined = text.replaceAll(/[\r\n]/g, '');
  if (BASE64.test(joined)) return joined;
  const valid = /^[A-Za-z\d+/]*/.exec(joined)?.[0].length ?? 0;
  throw new TypeMismatch(`illegal base64 data at input byte ${valid - (valid % 4 === 0 ? 0 : valid % 4)}`);
}

function quantity(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new TypeMismatch(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  try {
    return canonicalQuantity(value);
  } catch (error) {
    if (error instanceof StatusError) throw new TypeMismatch(error.message, { cause: error });
    throw error;
  }
}

const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Seconds for Time, microseconds for MicroTime, both in UTC, as upstream prints them. */
function time(text: string, isMicro: boolean): string {
  const match = RFC3339.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}${match[4]?.toUpperCase()}`);
  if (match === null || Number.isNaN(ms))
    throw new TypeMismatch(
      `parsing time ${JSON.stringify(text)} as ${layout(isMicro)}: cannot parse ${JSON.stringify(text)} as "2006"`,
    );
  const seconds = new Date(ms).toISOString().slice(0, 19);
  return isMicro ? `${seconds}.${(match[3] ?? '').slice(1, 7).padEnd(6, '0')}Z` : `${seconds}Z`;
}

function layout(isMicro: boolean): string {
  return isMicro ? '"2006-01-02T15:04:05.000000Z07:00"' : '"2006-01-02T15:04:05Z07:00"';
}

function mismatch(value: unknown, { struct, path }: Place, goName: string, said = jsonWord(value)): TypeMismatch {
  const where = struct === '' ? 'Go value' : `Go struct field ${struct}.${path}`;
  return new TypeMismatch(`json: cannot unmarshal ${said} into ${where} of type ${goName}`);
}

/** What Go's decoder calls a value's type. */
export function jsonWord(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function goType(shape: FieldShape): string {
  switch (shape.type) {
    case 'boolean':
      return 'bool';
    case 'number':
      return 'float64';
    case 'bytes':
      return '[]uint8';
    case 'quantity':
      return 'resource.Quantity';
    case 'object':
      return `v1.${shape.definition.slice(shape.definition.lastIndexOf('.') + 1)}`;
    case 'array':
      return `[]${goType(shape.items)}`;
    case 'map':
      return `map[string]${goType(shape.values)}`;
    default:
      return shape.type;
  }
}

/** What a null among items or map values becomes: Go leaves the zero value there. */
function zero(shape: FieldShape): unknown {
  switch (shape.type) {
    case 'string':
    case 'bytes':
      return '';
    case 'boolean':
      return false;
    case 'int32':
    case 'int64':
    case 'number':
      return 0;
    case 'quantity':
      return '0';
    case 'object':
    case 'map':
      return {};
    default:
      return null;
  }
}

/** Of a list or a map. */
function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
