import { packageOf } from '../../api/kinds/definition-name.ts';
import { errorText } from '../../api/error-text.ts';
import type { UnknownObject } from '../../api/objects.ts';
import { tooDeep } from './depth.ts';
import { splitApiVersion } from '../../api/kinds/kind-table.ts';
import { jsonErrorText } from '../../api/json-error.ts';
import { conformObject, jsonWord, TypeMismatch } from '../../api/schema/conform.ts';
import { decodeEnvelope } from '../../api/protobuf/decode-object.ts';
import { WireError } from '../../api/protobuf/wire-reader.ts';
import { builtInDecoder } from '../../api/schema/load.ts';
import type { ObjectShape, Shapes } from '../../api/schema/shape.ts';
import { strictProblems } from '../../api/schema/strict-scan.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import { parseYamlLenient, sortedKeys } from '../../api/yaml.ts';

/** What a body is expected to be. */
export interface ExpectedBody {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for kinds without a schema: anything goes. */
  readonly shape: ObjectShape | undefined;
  /** Name of the shape among the definitions. */
  readonly definition: string;
  readonly shapes: Shapes;
  readonly validation: FieldValidation;
  /** Whether a kind is served in some version, for the difference between "unknown" and "not here". */
  readonly isKnownKind: (apiVersion: string, kind: string) => boolean;
  /** Further versions in which the kind has the same form. */
  readonly isAlsoVersion?: (apiVersion: string) => boolean;
  /** Errors say what is wrong, and not what was expected. */
  readonly isBare?: boolean;
}

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const ACCEPTED = `application/json, application/yaml, ${PROTOBUF}`;

/** The body as JSON text, whatever it came as. @throws StatusError UnsupportedMediaType, BadRequest */
function bodyText(
  body: Buffer,
  contentType: string | undefined,
  unrecognized: (why: string) => StatusError,
): { text: string; yamlProblems: string[] } {
  switch (mediaTypeOf(contentType)) {
    case '':
    case '*/*':
    case 'application/json':
      return { text: body.toString('utf8'), yamlProblems: [] };
    case 'application/yaml':
    case 'application/x-yaml':
    case 'text/yaml':
      return yamlText(body.toString('utf8'), unrecognized);
    default:
      throw new StatusError(
        'UnsupportedMediaType',
        `the body of the request was in an unknown format - accepted media types include: ${ACCEPTED}`,
      );
  }
}

/**
 * Decodes a body into an object of its kind: types checked, unknown fields gone. What strict decoding holds against it
 * is an error, a warning or nothing, as `fieldValidation` asks.
 * @throws StatusError BadRequest in upstream's words
 */
export function decodeBody(
  body: Buffer,
  contentType: string | undefined,
  expected: ExpectedBody,
  warn: (text: string) => void,
): UnknownObject {
  const isProtobuf = mediaTypeOf(contentType) === PROTOBUF;
  const unrecognized = (why: string): StatusError =>
    badRequest(
      expected.isBare === true
        ? why
        : `the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summary(body)})`,
    );
  const { text, yamlProblems } = isProtobuf
    ? { text: '', yamlProblems: [] }
    : bodyText(body, contentType, unrecognized);
  const object = isProtobuf ? protobufObject(body, expected, unrecognized) : parseObject(text, expected, unrecognized);
  const { kind = '', apiVersion = '' } = object;
  const cannot = (why: string): StatusError =>
    badRequest(
      expected.isBare === true
        ? why
        : `${kind} in version ${JSON.stringify(versionOf(apiVersion))} cannot be handled as a ${expected.kind}: ${why}`,
    );
  if (apiVersion.split('/').length > 2) throw unrecognized(`unexpected GroupVersion string: ${apiVersion}`);
  checkKind(object, expected, cannot);
  if (expected.shape === undefined) return object;
  const problems = isProtobuf || expected.validation === 'Ignore' ? [] : [...yamlProblems, ...strict(text, expected)];
  try {
    conformObject(object, expected.shape, expected.shapes);
  } catch (error) {
    if (error instanceof TypeMismatch) throw cannot(error.message);
    throw error;
  }
  if (problems.length > 0 && expected.validation === 'Strict')
    throw cannot(
      `strict decoding error: ${[...yamlErrors(yamlProblems), ...problems.slice(yamlProblems.length)].join(', ')}`,
    );
  for (const problem of problems) warn(problem);
  const { kind: _kind, apiVersion: _version, metadata = {}, ...rest } = object;
  return { kind: expected.kind, apiVersion: expected.apiVersion, metadata, ...rest };
}

function mediaTypeOf(contentType = 'application/json'): string {
  return contentType.split(';')[0]?.trim().toLowerCase() ?? '';
}

/** The object of a protobuf body. What is of another type than expected is told apart by the envelope alone. */
function protobufObject(
  body: Buffer,
  expected: ExpectedBody,
  unrecognized: (why: string) => StatusError,
): UnknownObject {
  const { apiVersion, kind, definition } = expected;
  try {
    const envelope = decodeEnvelope(body);
    const own = { apiVersion: envelope.apiVersion || apiVersion, kind: envelope.kind || kind };
    return isExpected(expected, own.apiVersion, own.kind)
      ? { ...builtInDecoder().decode(definition, envelope.raw), ...own }
      : own;
  } catch (error) {
    if (error instanceof WireError || error instanceof SyntaxError) throw unrecognized(error.message);
    throw error;
  }
}

function yamlErrors(problems: readonly string[]): string[] {
  return problems.length === 0 ? [] : [`yaml: unmarshal errors:\n${problems.map((one) => `  ${one}`).join('\n')}`];
}

function strict(text: string, { shape, shapes }: ExpectedBody): string[] {
  return shape === undefined ? [] : strictProblems(text, shape, shapes);
}

function parseObject(text: string, expected: ExpectedBody, unrecognized: (why: string) => StatusError): UnknownObject {
  const noKind = "couldn't get version/kind; json parse error";
  let value: unknown;
  const deep = tooDeep(text);
  if (deep !== null) throw unrecognized(`${noKind}: ${deep}`);
  try {
    value = JSON.parse(text);
  } catch {
    throw unrecognized(`${noKind}: ${jsonErrorText(text)}`);
  }
  value ??= {}; // null is an object without fields to Go's decoder
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unrecognized(
      `${noKind}: json: cannot unmarshal ${jsonWord(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  const object = value as UnknownObject;
  // A body may leave out its type: it is that of the path.
  for (const field of ['kind', 'apiVersion'] as const) {
    const said: unknown = object[field];
    if (said === undefined || said === null || said === '') object[field] = expected[field];
    else if (typeof said !== 'string')
      throw unrecognized(
        `${noKind}: json: cannot unmarshal ${jsonWord(said)} into Go struct field .${field} of type string`,
      );
  }
  return object;
}

function isExpected(expected: ExpectedBody, apiVersion: string, kind: string): boolean {
  if (kind !== expected.kind) return false;
  return apiVersion === expected.apiVersion || expected.isAlsoVersion?.(apiVersion) === true;
}

function checkKind(object: UnknownObject, expected: ExpectedBody, cannot: (why: string) => StatusError): void {
  const { kind = '', apiVersion = '' } = object;
  if (isExpected(expected, apiVersion, kind)) return;
  if (expected.isBare === true || !isKnown(expected, apiVersion, kind))
    throw cannot(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "bramble"`,
    );
  if (kind === expected.kind)
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected.apiVersion})`,
    );
  const [group] = splitApiVersion(expected.apiVersion);
  throw cannot(
    `converting (${versionOf(apiVersion)}.${kind}) to (${packageOf(group)}.${expected.kind}): unknown conversion`,
  );
}

/** Lists and Status are kinds of every version. */
function isKnown({ isKnownKind, apiVersion: own }: ExpectedBody, apiVersion: string, kind: string): boolean {
  if (isKnownKind(apiVersion, kind)) return true;
  if (kind.endsWith('List')) return isKnownKind(apiVersion, kind.slice(0, -'List'.length));
  return kind === 'Status' && (apiVersion === 'v1' || apiVersion === own);
}

function versionOf(apiVersion: string): string {
  return splitApiVersion(apiVersion)[1];
}

/** The begin of a body, for messages (apiserver's summarizeData). */
function summary(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const isObject = body[0] === 0x7b;
  const begin = body.subarray(0, 30).toString(isObject ? 'utf8' : 'hex');
  return body.length > 30 ? `${begin} ...` : begin;
}

function yamlText(yaml: string, unrecognized: (why: string) => StatusError): { text: string; yamlProblems: string[] } {
  try {
    const { value, duplicates } = parseYamlLenient(yaml);
    // Go makes JSON of it with sorted keys, and so finds what is wrong in their order.
    return { text: JSON.stringify(sortedKeys(value ?? {})), yamlProblems: duplicates };
  } catch (error) {
    throw unrecognized(`yaml: ${errorText(error)}`);
  }
}
