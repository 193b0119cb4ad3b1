import { invalidObject, notSupported } from '../../api/field-error.ts';
import type { DeleteOptions, UnknownObject } from '../../api/objects.ts';
import { decodeEnvelope } from '../../api/protobuf/decode-object.ts';
import { WireError } from '../../api/protobuf/wire-reader.ts';
import { builtInDecoder } from '../../api/schema/load.ts';
import { badRequest, isReason } from '../../api/status.ts';
import { bodyText } from '../negotiation/decode-body.ts';
import { CachedObject } from '../storage/cached-object.ts';
import { storedText } from '../storage/object-text.ts';
import { deleteObject } from '../registry/delete-object.ts';
import { listObjects } from '../registry/list-objects.ts';
import { listParameters } from '../registry/list-parameters.ts';
import { isTrue } from '../request-info.ts';
import { answer, encoderOf, formatOf, objectRequest, type Endpoint } from './endpoint.ts';

const POLICIES = ['Orphan', 'Background', 'Foreground'];
/** Objects of a collection that are deleted at the same time. */
const WORKERS = 4;

/** DELETE of one object. */
export async function handleDelete(endpoint: Endpoint): Promise<void> {
  const { api, exchange, info, view, kind } = endpoint;
  const format = formatOf(endpoint);
  const options = await deleteOptions(endpoint);
  const request = objectRequest(endpoint, 'DeleteOptions', options);
  const { object, isGone } = await deleteObject(api.registry, request, options);
  if (!isGone || view.strategy.returnsDeletedObject === true)
    return answer(
      exchange,
      isGone || options['orphanDependents'] !== false ? 200 : 202,
      encoderOf(endpoint, format).object(object),
      format,
    );
  const details = {
    name: info.name,
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.plural,
    uid: object.metadata?.uid,
  };
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  return answer(exchange, 200, JSON.stringify(status), { ...format, as: 'object' });
}

/** DELETE of a collection: everything that the selectors take in. */
export async function handleDeleteCollection(endpoint: Endpoint): Promise<void> {
  const { api, exchange, info, view } = endpoint;
  const format = formatOf(endpoint);
  const options = await deleteOptions(endpoint);
  const parameters = listParameters(exchange.query, view, false);
  const list = await listObjects(api.registry, view, info.namespace, parameters, exchange.signal);
  const deleted: CachedObject[] = [];
  const waiting = [...list.items];
  const work = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      const { namespace, name } = item.attributes(view);
      const request = { ...objectRequest(endpoint, 'DeleteOptions', options), namespace, name };
      try {
        const { object } = await deleteObject(api.registry, request, options);
        const revision = Number(object.metadata?.resourceVersion ?? 0);
        deleted.push(new CachedObject(item.key, storedText(view.toStored(object)), revision));
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error; // someone else was faster
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  await answer(exchange, 200, encoderOf(endpoint, format).list({ ...list, items: deleted }), format);
}

/** DeleteOptions from the body, or where there is none from the query. @throws StatusError BadRequest, Invalid */
async function deleteOptions({ exchange }: Endpoint): Promise<UnknownObject> {
  const body = await exchange.readBody();
  const options = body.length > 0 ? fromBody(body, exchange.headers['content-type']) : fromQuery(exchange.query);
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

function fromBody(body: Buffer, contentType: string | undefined): UnknownObject {
  let value: unknown;
  try {
    value = isProtobuf(contentType) ? decodeOptions(body) : JSON.parse(bodyText(body, contentType).text);
  } catch (error) {
    if (error instanceof WireError) throw badRequest(`the body of a delete must be DeleteOptions: ${error.message}`);
    if (error instanceof SyntaxError) throw badRequest(`couldn't get version/kind; json parse error: ${error.message}`);
    throw error;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('the body of a delete must be DeleteOptions');
  const options = value as UnknownObject;
  if (options.kind !== undefined && options.kind !== 'DeleteOptions')
    throw badRequest(`decoded object cannot be converted to DeleteOptions`);
  return options;
}

function isProtobuf(contentType: string | undefined): boolean {
  return contentType?.startsWith('application/vnd.kubernetes.protobuf') === true;
}

function decodeOptions(body: Buffer): unknown {
  const { kind, raw } = decodeEnvelope(body);
  return { ...builtInDecoder().decode('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', raw), kind };
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
