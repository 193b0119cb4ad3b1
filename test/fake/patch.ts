import { KINDS } from '../../src/api/kinds/rows.ts';
import { applyJsonPatch } from '../../src/api/patch/json-patch.ts';
import { applyMergePatch } from '../../src/api/patch/merge-patch.ts';
import { applyStrategicMerge } from '../../src/api/patch/strategic-merge.ts';
import { builtInShapes } from '../../src/api/schema/load.ts';
import { StatusError } from '../../src/api/status.ts';
import type { Patch } from '../../src/client/api-client.ts';
import type { Stored } from './object-store.ts';

/** The patched copy of an object, by the same code as the API server's. @throws StatusError BadRequest, Invalid */
export function patched(group: string, plural: string, object: Stored, { type, body }: Patch): Stored {
  const copy = structuredClone(object);
  if (type === 'json') return applyJsonPatch(copy, body) as Stored;
  if (type === 'merge') return applyMergePatch(copy, body) as Stored;
  const shapes = builtInShapes();
  const definition = KINDS.find((row) => row.group === group && row.plural === plural)?.definition ?? '';
  const shape = shapes.get(definition);
  if (shape === undefined)
    throw new StatusError('UnsupportedMediaType', 'the body of the request was in an unknown format');
  return applyStrategicMerge(copy, body, shape, shapes);
}
