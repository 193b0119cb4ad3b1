import { invalidObject, notSupported } from '../../api/field-error.ts';
import { splitApiVersion } from '../../api/kinds/kind-table.ts';
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
  const { propagationPolicy, orphanDependents, gracePeriodSeconds } = options as DeleteOptions;
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
      notSupported('propagationPolicy', propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']),
    ]);
  if (gracePeriodSeconds !== undefined && !Number.isInteger(gracePeriodSeconds))
    throw badRequest('DeleteOptions: gracePeriodSeconds must be an integer');
  return options;
}

/** Every group version has a DeleteOptions of its own, all of one form (meta/v1 AddToGroupVersion). */
function fromBody({ api, exchange }: Endpoint, body: Buffer): UnknownObject {
  const shapes = builtInShapes();
  const isVersion = (apiVersion: string): boolean =>
    apiVersion === 'meta.k8s.io/v1' || api.registry.kinds.hasGroupVersion(...splitApiVersion(apiVersion));
  const expected = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    shape: shapes.get(DEFINITION),
    definition: DEFINITION,
    shapes,
    validation: 'Ignore' as const,
    isAlsoVersion: isVersion,
    isKnownKind: (apiVersion: string, kind: string) => api.registry.kinds.byKind(apiVersion, kind) !== undefined,
  };
  const { metadata: _none, ...options } = decodeBody(body, exchange.headers['content-type'], expected, () => undefined);
  return options;
}

function fromQuery(query: URLSearchParams): UnknownObject {
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
  };
}
