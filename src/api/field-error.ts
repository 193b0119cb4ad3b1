import { StatusError } from './status.ts';

/** What is wrong with one field, in upstream's words (apimachinery pkg/util/validation/field/errors.go). */
export interface FieldError {
  readonly type:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound'
    | 'FieldValueTypeInvalid';
  /** As `spec.containers[0].name`. */
  readonly field: string;
  /** The whole text without the field: `Invalid value: "x": must be …`. */
  readonly message: string;
}

/** The value is malformed or outside its bounds; `detail` says what it must be. */
export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, message: `Invalid value: ${quote(value)}: ${detail}` };
}

/** The field must have a value and has none. */
export function required(field: string, detail = ''): FieldError {
  return { type: 'FieldValueRequired', field, message: detail === '' ? 'Required value' : `Required value: ${detail}` };
}

/** The value is none of `valid`, which the message lists in alphabetical order, or in the order given. */
export function notSupported(
  field: string,
  value: unknown,
  valid: readonly string[],
  order: 'sorted' | 'given' = 'sorted',
): FieldError {
  const listed = order === 'given' ? valid : [...valid].sort();
  const list = listed.map((one) => JSON.stringify(one)).join(', ');
  return {
    type: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${quote(value)}: supported values: ${list}`,
  };
}

/** Another element of the list says the same. */
export function duplicate(field: string, value: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field, message: `Duplicate value: ${quote(value)}` };
}

/** The field may not be set here, or not be changed. */
export function forbiddenField(field: string, detail: string): FieldError {
  return { type: 'FieldValueForbidden', field, message: `Forbidden: ${detail}` };
}

/** The value is longer than `bytesMax` bytes; it is not quoted. */
export function tooLong(field: string, bytesMax: number): FieldError {
  return { type: 'FieldValueTooLong', field, message: `Too long: may not be more than ${bytesMax} bytes` };
}

/** The list has `actual` elements, more than `countMax`. */
export function tooMany(field: string, actual: number, countMax: number): FieldError {
  return { type: 'FieldValueTooMany', field, message: `Too many: ${actual}: must have at most ${countMax} items` };
}

/** What the value refers to is not there. */
export function valueNotFound(field: string, value: unknown): FieldError {
  return { type: 'FieldValueNotFound', field, message: `Not found: ${quote(value)}` };
}

/** Go's %q for strings, plain for numbers and booleans, JSON for what is composed, as field.Error prints them. */
function quote(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  return JSON.stringify(value).replaceAll(/\\u00([\da-f]{2})/g, '\\x$1');
}

/**
 * The 422 for an object with field errors: `Pod "web" is invalid: spec.x: Required value`, more than one in brackets.
 * @param kind the kind, with its group after a dot where it has one, as `Deployment.apps`
 */
export function invalidObject(kind: string, name: string, errors: readonly FieldError[]): StatusError {
  const lines = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const why = lines.length === 1 ? (lines[0] ?? '') : `[${lines.join(', ')}]`;
  const [shortKind = kind, ...group] = kind.split('.');
  return new StatusError('Invalid', `${kind} "${name}" is invalid: ${why}`, {
    details: {
      ...(name === '' ? {} : { name }),
      ...(group.length === 0 ? {} : { group: group.join('.') }),
      ...(shortKind === '' ? {} : { kind: shortKind }),
      causes: errors.map(({ type, message, field }) => ({ reason: type, message, field })),
    },
  });
}
