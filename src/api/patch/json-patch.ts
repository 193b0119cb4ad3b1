import { applyPatch, type Operation, Pointer } from 'rfc6902';
import { badRequest, StatusError } from '../status.ts';
import { isFields, refuseUnsafeKeys, refuseUnsafePath } from './safe-keys.ts';

/** Upstream's limit for the operations of one patch. */
const OPERATIONS_MAX = 10_000;
/** How much all copies of one patch may add, as JSON (kube-apiserver's JSONPatchMaxCopyBytes): copies of copies double. */
const COPIED_BYTES_MAX = 3 * 1024 * 1024;
const NAMES = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

/**
 * The object after a JSON patch (RFC 6902). `object` is altered.
 * @throws StatusError BadRequest (no such patch), RequestEntityTooLarge, Invalid (an operation does not apply)
 */
export function applyJsonPatch(object: unknown, patch: unknown): unknown {
  const operations = checked(patch);
  const root = { document: object };
  const inRoot = operations.map((operation) => ({
    ...operation,
    path: `/document${operation.path}`,
    ...('from' in operation ? { from: `/document${operation.from}` } : {}),
  }));
  let copied = 0;
  for (const [i, operation] of inRoot.entries()) {
    if (operation.op === 'copy') copied += sizeOf(Pointer.fromJSON(operation.from).get(root));
    if (copied > COPIED_BYTES_MAX)
      throw rejected(
        `Unable to complete the copy, the accumulated size increase of copy is ${copied}, exceeding the limit ${COPIED_BYTES_MAX}`,
      );
    const [failure = null] = applyPatch(root, [operation]);
    if (failure === null) continue;
    const { path } = operations[i] ?? operation;
    throw rejected(
      failure.name === 'TestError'
        ? `testing value ${path} failed`
        : `${operation.op} operation does not apply: doc is missing path: ${path}: missing value`,
    );
  }
  return root.document;
}

function checked(patch: unknown): Operation[] {
  if (!Array.isArray(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal into Go value of type jsonpatch.Patch');
  if (patch.length > OPERATIONS_MAX)
    throw new StatusError(
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`,
    );
  for (const operation of patch as unknown[]) {
    if (!isFields(operation)) throw badRequest('error decoding patch: an operation is not an object');
    const { op, path, from } = operation;
    if (typeof op !== 'string' || !NAMES.has(op)) throw rejected(`Unexpected kind: ${JSON.stringify(op ?? 'unknown')}`);
    if (typeof path !== 'string') throw rejected(`${op} operation: missing path`);
    refuseUnsafePath(path);
    if (op === 'move' || op === 'copy') {
      if (typeof from !== 'string') throw rejected(`${op} operation: missing from`);
      refuseUnsafePath(from);
    }
    refuseUnsafeKeys(operation['value']);
  }
  return patch as Operation[];
}

function sizeOf(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length;
}

function rejected(why: string): StatusError {
  return new StatusError('Invalid', `the server rejected our request due to an error in our request`, {
    details: { causes: [{ reason: 'UnexpectedServerResponse', message: why }] },
  });
}
