import { invalidObject } from '../../api/field-error.ts';
import type { UnknownObject } from '../../api/objects.ts';
import { badRequest, StatusError } from '../../api/status.ts';
import { admissionAttributes, strategyContext, type ObjectRequest } from '../registry/core.ts';
import { createObject } from '../registry/create-object.ts';
import { metaOf } from '../registry/object-meta.ts';
import type { ViewSubresource } from '../registry/strategy.ts';
import { updateObject, type Change, type UpdateOutcome } from '../registry/update-object.ts';
import { answer, encoderOf, formatOf, objectRequest, readObjectBody, type Endpoint } from './endpoint.ts';

/** POST to a collection. */
export async function handleCreate(endpoint: Endpoint): Promise<void> {
  const { api, exchange, kind } = endpoint;
  const format = formatOf(endpoint);
  const request = objectRequest(endpoint, 'CreateOptions');
  const body = await readObjectBody(endpoint, 'CreateOptions');
  const created = await createObject(api.registry, request, body);
  if (kind.isIdle === true)
    exchange.warn(`no part of Bramble acts on a ${kind.kind} yet: it is kept, and nothing comes of it`);
  const json = kind.storagePrefix === '' ? JSON.stringify(created) : encoderOf(endpoint, format).object(created);
  await answer(exchange, 201, json, format);
}

/** Kinds whose bodies must name the object that the path names (BindingREST, EvictionREST). */
const SAYS_NAME: Readonly<Record<string, string>> = { binding: 'Binding', eviction: 'Eviction' };

/** POST to a subresource of an object: binding, eviction, token. */
export async function handleCreateSubresource(endpoint: Endpoint): Promise<void> {
  const { api, exchange, info, view } = endpoint;
  const special = view.strategy.subresources?.[info.subresource];
  if (special?.type !== 'create') throw methodNotAllowed();
  const format = formatOf(endpoint);
  const request = objectRequest(endpoint, 'CreateOptions');
  const body = await readObjectBody(endpoint, 'CreateOptions');
  const meta = metaOf(body);
  const kind = SAYS_NAME[info.subresource];
  if (kind !== undefined && (meta.name ?? '') !== info.name)
    throw badRequest(`name in URL does not match name in ${kind} object`);
  meta.name ||= info.name;
  meta.namespace ||= info.namespace;
  if (meta.name !== info.name)
    throw badRequest(`the name of the object (${meta.name}) does not match the name on the URL (${info.name})`);
  if (meta.namespace !== info.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const attributes = admissionAttributes(api.registry, request, 'CREATE', body, null);
  await api.registry.admission.mutate(attributes, exchange.signal);
  await api.registry.admission.validate(attributes, exchange.signal);
  const result = await special.create(body, strategyContext(api.registry, request));
  await answer(exchange, 201, JSON.stringify(result), { ...format, as: 'object' });
}

/** PUT of an object or a subresource of it. */
export async function handleUpdate(endpoint: Endpoint): Promise<void> {
  const { exchange, info } = endpoint;
  const request = objectRequest(endpoint, 'UpdateOptions');
  const body = await readObjectBody(endpoint, 'UpdateOptions');
  const meta = metaOf(body);
  if (meta.name === undefined || meta.name === '') throw undeterminable(info.name);
  if (meta.name !== info.name)
    throw badRequest(`the name of the object (${meta.name}) does not match the name on the URL (${info.name})`);
  await changeAndAnswer(endpoint, request, () => structuredClone(body));
  exchange.signal.throwIfAborted();
}

/** Changes an object, directly or through a view of it, and answers with what it has become. */
export async function changeAndAnswer(endpoint: Endpoint, request: ObjectRequest, change: Change): Promise<void> {
  const { api, exchange, info, view } = endpoint;
  const format = formatOf(endpoint);
  const special = view.strategy.subresources?.[info.subresource];
  if (special?.type === 'create') throw methodNotAllowed();
  if (special?.type !== 'view') {
    const isOwn = info.subresource === '';
    const outcome: UpdateOutcome = await updateObject(api.registry, request, change, isOwn);
    return answer(exchange, outcome.isCreated ? 201 : 200, encoderOf(endpoint, format).object(outcome.object), format);
  }
  const context = strategyContext(api.registry, request);
  const { object } = await updateObject(api.registry, request, async (current) => {
    const seen = special.view(structuredClone(current), context);
    return throughView(special, { seen, current }, await change(seen), endpoint, request);
  });
  return answer(exchange, 200, JSON.stringify(special.view(object, context)), { ...format, as: 'object' });
}

function throughView(
  special: ViewSubresource,
  { seen, current }: { readonly seen: UnknownObject; readonly current: UnknownObject },
  changed: UnknownObject | null,
  { api, view, info }: Endpoint,
  request: ObjectRequest,
): UnknownObject | null {
  if (changed === null) return null;
  const errors = special.apply(changed, current, strategyContext(api.registry, request));
  const group = (seen.apiVersion ?? '').split('/').slice(0, -1);
  if (errors.length > 0) throw invalidObject([seen.kind ?? view.kind.kind, ...group].join('.'), info.name, errors);
  const said = changed.metadata?.resourceVersion;
  if (said) metaOf(current).resourceVersion = said;
  return current;
}

/** 400 for a body without the name that its path has. */
function undeterminable(name: string): StatusError {
  return badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
}

/** 405 as upstream says it. */
export function methodNotAllowed(): StatusError {
  return new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {
    details: {},
  });
}
