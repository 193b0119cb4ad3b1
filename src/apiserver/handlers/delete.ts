import { isReason } from '../../api/status.ts';
import { CachedObject } from '../storage/cached-object.ts';
import { storedText } from '../storage/object-text.ts';
import { deleteObject } from '../registry/delete-object.ts';
import { listObjects } from '../registry/list-objects.ts';
import { listParameters } from '../registry/list-parameters.ts';
import { readDeleteOptions } from './delete-options.ts';
import { answer, encoderOf, formatOf, objectRequest, type Endpoint } from './endpoint.ts';

/** Objects of a collection that are deleted at the same time. */
const WORKERS = 4;

/** DELETE of one object. */
export async function handleDelete(endpoint: Endpoint): Promise<void> {
  const { api, exchange, info, view, kind } = endpoint;
  const format = formatOf(endpoint);
  const options = await readDeleteOptions(endpoint);
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
  const options = await readDeleteOptions(endpoint);
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
