import type { Exchange } from '../exchange.ts';
import type { ConnectRequest, ConnectTransport } from '../connect.ts';
import { admissionAttributes } from '../registry/core.ts';
import { readObject } from '../registry/read-object.ts';
import type { RequestInfo } from '../request-info.ts';
import { handleDelete, handleDeleteCollection } from './delete.ts';
import { objectRequest, type Api, type Endpoint } from './endpoint.ts';
import { handlePatch } from './patch.ts';
import { handleGet, handleList } from './read.ts';
import { handleWatch } from './watch.ts';
import { handleCreate, handleCreateSubresource, handleUpdate, methodNotAllowed } from './write.ts';

/** Subresources that are streams or are passed on to somebody else. */
const STREAMS = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

const NEEDS_NAME = new Set(['get', 'update', 'patch', 'delete']);

/** Understands a resource request; null when no such resource is served. */
export function endpointOf(api: Api, exchange: Exchange, info: RequestInfo): Endpoint | null {
  const kind = api.registry.kinds.byPath(info.group, info.version, info.resource);
  if (kind === undefined) return null;
  if (!kind.namespaced && info.namespace !== '' && kind.plural !== 'namespaces') return null;
  const subresource = kind.subresources.find(({ name }) => name === info.subresource);
  if (info.subresource !== '' && subresource === undefined) return null;
  return { api, exchange, info, kind, view: api.registry.view(kind), subresource };
}

/** Whether the request opens a stream (exec, attach, portforward, ...) rather than moves an object. */
export function isStream({ info }: Pick<Endpoint, 'info'>): boolean {
  return STREAMS.has(info.subresource);
}

/** Answers a resource request. @throws StatusError */
export async function handleResource(endpoint: Endpoint): Promise<void> {
  const { info, kind, subresource } = endpoint;
  if (isStream(endpoint)) {
    const { request, response } = endpoint.exchange;
    return handleConnect(endpoint, { type: 'exchange', request, response });
  }
  const verb = info.verb === 'watch' && info.name !== '' && subresource === undefined ? 'watch' : info.verb;
  const verbs: readonly string[] = subresource?.verbs ?? kind.verbs;
  if (!verbs.includes(verb) || endpoint.exchange.method === 'HEAD') throw methodNotAllowed();
  if (info.name === '' && NEEDS_NAME.has(verb)) throw methodNotAllowed();
  const needsNamespace = kind.namespaced && info.namespace === '';
  if (needsNamespace && verb !== 'list' && verb !== 'watch') throw methodNotAllowed();
  switch (verb) {
    case 'get':
      return handleGet(endpoint);
    case 'list':
      return handleList(endpoint);
    case 'watch':
      return handleWatch(endpoint);
    case 'create':
      if (subresource !== undefined) return handleCreateSubresource(endpoint);
      if (info.name !== '') throw methodNotAllowed();
      return handleCreate(endpoint);
    case 'update':
      return handleUpdate(endpoint);
    case 'patch':
      return handlePatch(endpoint);
    case 'delete':
      return handleDelete(endpoint);
    case 'deletecollection':
      return handleDeleteCollection(endpoint);
    default:
      throw methodNotAllowed();
  }
}

/** Hands a stream to whoever serves it, after admission (CONNECT). @throws StatusError */
export async function handleConnect(endpoint: Endpoint, transport: ConnectTransport): Promise<void> {
  const { api, exchange, info, kind, view } = endpoint;
  const { namespace, name } = info;
  if (info.subresource !== 'proxy')
    await readObject(api.registry, view, { namespace, name }, undefined, exchange.signal);
  const handler = api.connectHandlers.get(`${view.resource}/${info.subresource}`);
  if (handler === undefined) throw methodNotAllowed();
  if (info.subresource !== 'log') {
    const options = { ...Object.fromEntries(exchange.query), kind: endpoint.subresource?.kind ?? '', apiVersion: 'v1' };
    const request = objectRequest(endpoint, 'CreateOptions');
    const attributes = admissionAttributes(api.registry, request, 'CONNECT', options, null);
    await api.registry.admission.mutate(attributes, exchange.signal);
    await api.registry.admission.validate(attributes, exchange.signal);
  }
  const { subresource } = info;
  const request: ConnectRequest = {
    kind,
    subresource,
    namespace,
    name,
    restPath: info.restPath,
    query: exchange.query,
    user: exchange.user,
    registry: api.registry,
  };
  await handler.connect(request, transport, exchange.signal);
}
