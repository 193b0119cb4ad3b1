import { listObjects } from '../registry/list-objects.ts';
import { listParameters, parseRevision } from '../registry/list-parameters.ts';
import { readObject } from '../registry/read-object.ts';
import { strategyContext } from '../registry/core.ts';
import { answer, encoderOf, formatOf, objectRequest, type Endpoint } from './endpoint.ts';

/** GET of one object, or of a view of it (scale). */
export async function handleGet(endpoint: Endpoint): Promise<void> {
  const { api, exchange, info, view } = endpoint;
  const format = formatOf(endpoint);
  const text = exchange.query.get('resourceVersion') ?? '';
  const revision = text === '' ? undefined : parseRevision(text);
  const { namespace, name } = info;
  const object = await readObject(api.registry, view, { namespace, name }, revision, exchange.signal);
  const special = view.strategy.subresources?.[info.subresource];
  if (special?.type !== 'view') return answer(exchange, 200, encoderOf(endpoint, format).cached(object), format);
  const context = strategyContext(api.registry, objectRequest(endpoint, 'UpdateOptions'));
  const seen = special.view(view.fromStored(object.parse()), context);
  return answer(exchange, 200, JSON.stringify(seen), { ...format, as: 'object' });
}

/** GET of a collection. */
export async function handleList(endpoint: Endpoint): Promise<void> {
  const { api, exchange, info, view } = endpoint;
  const format = formatOf(endpoint);
  const encoder = encoderOf(endpoint, format);
  const parameters = listParameters(exchange.query, view, false);
  const list = await listObjects(api.registry, view, info.namespace, parameters, exchange.signal);
  await answer(exchange, 200, encoder.list(list), format);
}
