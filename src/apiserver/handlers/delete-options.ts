import { invalidObject, notSupported } from '../../api/field-error.ts';
import type { DeleteOptions, UnknownObject } from '../../api/objects.ts';
import { builtInShapes } from '../../api/schema/load.ts';
import { badRequest } from '../../api/status.ts';
import { decodeBody } from '../negotiation/decode-body.ts';
import { isTrue } from '../request-info.ts';
import type { Endpoint } from './endpoint.ts';

const DEFINITION = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';
const POLICIES = ['Orphan', 'Background', 'Foreground'];

/** DeleteOptions from the body, or where there is none from the query. @throws StatusError BadRequest, Invalid */
export async function readDeleteOptions(endpoint: Endpoint): Promise<UnknownObject> {
  const { exchange } = endpoint;
  const body = await exchange.readBody();
  const options = body.length > 0 ? fromBody(endpoint, body) : fromQuery(exchange.query);
  const { propagationPolicy, orphanDependents } = options as DeleteOptions;
  if (propagationPolicy !== undefined && orphanDependents !== undefined)
    throw invalidObject('DeleteOptions.meta.k8s.io', '', [
      {
        type: 'FieldValueInvalid',
        field: 'propagationPolicy',
        message: `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`,
      },
    ]);
  if (propagationPolicy !== undefined && !POLICIES.includes(propagationPolicy))
    throw invalidObject('DeleteOptions.meta.k8s.io', '', [
      notSupported('propagationPolicy', propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil'], 'given'),
    ]);
  return options;
}

/** Every group version has a DeleteOptions of its own, all of one form (meta/v1 AddToGroupVersion): upstream takes any. */
function fromBody({ api, exchange }: Endpoint, body: Buffer): UnknownObject {
  const shapes = builtInShapes();
  const expected = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    shape: shapes.get(DEFINITION),
    definition: DEFINITION,
    shapes,
    validation: 'Ignore' as const,
    isAlsoVersion: () => true,
    isBare: true,
    isKnownKind: (apiVersion: string, kind: string) => api.registry.kinds.byKind(apiVersion, kind) !== undefined,
  };
  const { metadata: _none, ...options } = decodeBody(body, exchange.headers['content-type'], expected, () => undefined);
  return options;
}

/** @throws StatusError BadRequest */
function integer(text: string): number {
  if (/^[-+]?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function fromQuery(query: URLSearchParams): UnknownObject {
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: integer(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
  };
}
