import { invalid, invalidObject } from '../../api/field-error.ts';
import type { UnknownObject } from '../../api/objects.ts';
import { applyJsonPatch } from '../../api/patch/json-patch.ts';
import { applyMergePatch } from '../../api/patch/merge-patch.ts';
import { applyStrategicMerge } from '../../api/patch/strategic-merge.ts';
import { jsonErrorText } from '../../api/json-error.ts';
import { conformObject, jsonWord, TypeMismatch } from '../../api/schema/conform.ts';
import { strictProblems } from '../../api/schema/strict-scan.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import { tooDeep } from '../negotiation/depth.ts';
import { expectedBody, fieldValidation, objectRequest, type Endpoint, type Expected } from './endpoint.ts';
import { changeAndAnswer } from './write.ts';

const TYPES = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
} as const;
type PatchType = (typeof TYPES)[keyof typeof TYPES];

/** PATCH of an object or a subresource of it. */
export async function handlePatch(endpoint: Endpoint): Promise<void> {
  const { exchange } = endpoint;
  const type = patchType(exchange.headers['content-type']);
  const expected = expectedBody(endpoint, fieldValidation(exchange.query, 'PatchOptions'));
  if (type === 'strategic' && expected.shape === undefined) throw unsupported();
  const request = objectRequest(endpoint, 'PatchOptions');
  const text = (await exchange.readBody()).toString('utf8');
  const patch = parse(text, type);
  const problems = type === 'json' ? [] : problemsOfPatch(text, expected);
  await changeAndAnswer(endpoint, request, (current) => {
    if (current.metadata?.uid === undefined && endpoint.info.subresource === '') return null; // it is not there: patches do not create
    const patched = apply(type, current, patch, expected);
    const all = [...new Set([...problems, ...problemsOfResult(patched, expected)])];
    if (all.length > 0 && expected.validation === 'Strict')
      throw invalidPatch(text, `strict decoding error: ${all.join(', ')}`);
    if (expected.validation === 'Warn') for (const problem of all) exchange.warn(problem);
    return conformed(patched, expected, text);
  });
}

function apply(type: PatchType, current: UnknownObject, patch: unknown, { shape, shapes }: Expected): UnknownObject {
  let patched: unknown;
  switch (type) {
    case 'json':
      patched = applyJsonPatch(current, patch);
      break;
    case 'merge':
      patched = applyMergePatch(current, patch);
      break;
    case 'strategic':
      if (shape === undefined) throw unsupported();
      patched = applyStrategicMerge(current, patch, shape, shapes);
      break;
    default:
      return type satisfies never;
  }
  if (typeof patched !== 'object' || patched === null || Array.isArray(patched))
    throw badRequest('the patch leaves no object');
  return patched as UnknownObject;
}

function conformed(patched: UnknownObject, expected: Expected, text: string): UnknownObject {
  try {
    if (expected.shape !== undefined) conformObject(patched, expected.shape, expected.shapes);
  } catch (error) {
    if (error instanceof TypeMismatch) throw invalidPatch(text, error.message);
    throw error;
  }
  patched.apiVersion = expected.apiVersion;
  patched.kind = expected.kind;
  return patched;
}

/** Directives of a strategic merge patch are no fields. */
function problemsOfPatch(text: string, { shape, shapes, validation }: Expected): string[] {
  if (shape === undefined || validation === 'Ignore') return [];
  return strictProblems(text, shape, shapes).filter((problem) => !problem.includes('$'));
}

function problemsOfResult(patched: UnknownObject, { shape, shapes, validation }: Expected): string[] {
  return shape === undefined || validation === 'Ignore' ? [] : strictProblems(JSON.stringify(patched), shape, shapes);
}

/** Upstream names no object here. */
function invalidPatch(text: string, why: string): StatusError {
  return invalidObject('', '', [invalid('patch', text, why)]);
}

function parse(text: string, type: PatchType): unknown {
  const prefix = type === 'strategic' ? '' : 'error decoding patch: ';
  const deep = tooDeep(text);
  if (deep !== null) throw badRequest(`${prefix}${deep}`);
  let patch: unknown;
  try {
    patch = JSON.parse(text);
  } catch {
    throw badRequest(`${prefix}${jsonErrorText(text)}`);
  }
  const isObject = typeof patch === 'object' && patch !== null && !Array.isArray(patch);
  if (type === 'json' ? Array.isArray(patch) : isObject) return patch;
  const wanted = type === 'json' ? '[]handlers.jsonPatchOp' : 'map[string]interface {}';
  throw badRequest(`${prefix}json: cannot unmarshal ${jsonWord(patch)} into Go value of type ${wanted}`);
}

function patchType(contentType: string | undefined): PatchType {
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (isPatchType(mediaType)) return TYPES[mediaType];
  throw unsupported();
}

function isPatchType(mediaType: string): mediaType is keyof typeof TYPES {
  return Object.hasOwn(TYPES, mediaType);
}

/** Server-side apply (`application/apply-patch+yaml`) is not served yet, and is not among the types named here. */
function unsupported(): StatusError {
  return new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${Object.keys(TYPES).join(', ')}`,
  );
}
