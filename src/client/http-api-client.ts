import type { KubeObject, ListOf, WatchEvent } from '../api/objects.ts';
import { StatusError, statusErrorFrom } from '../api/status.ts';
import type {
  ApiClient,
  CallOptions,
  GetOptions,
  ListOptions,
  ObjectKey,
  Patch,
  Resource,
  WatchOptions,
} from './api-client.ts';
import { jsonLines } from './json-lines.ts';
import { Transport, type TransportOptions, type TransportRequest } from './transport.ts';

/** ApiClient over HTTP/2. */
export interface HttpApiClient extends ApiClient {
  /** The API server in use, once there is one. */
  readonly server: string | undefined;
  /** Ends its connection and all requests. Without it an idle client still lets the process end. */
  close(): void;
}

/** One event of a watch at most: an object of the largest accepted size, and room for its envelope. */
const WATCH_LINE_BYTES_MAX = 8 * 1024 * 1024;

const PATCH_TYPES: Record<Patch['type'], string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

/** A client of the cluster that `options.config` names. Connects at the first call. */
export function createHttpApiClient(options: TransportOptions): HttpApiClient {
  return new JsonApiClient(new Transport(options));
}

class JsonApiClient implements HttpApiClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get server(): string | undefined {
    return this.#transport.server;
  }

  close(): void {
    this.#transport.close();
  }

  async get<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string, options: GetOptions = {}) {
    return (await this.#call('GET', objectPath(resource, { namespace, name }, options), undefined, options)) as T;
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ListOf<T>> {
    const { namespace = '', signal, ...parameters } = options;
    const path = collectionPath(resource, namespace) + query(parameters);
    const list = (await this.#call('GET', path, undefined, { signal })) as ListOf<T>;
    list.items ??= [];
    // The server leaves these out of lists; whoever writes an item back needs them.
    const apiVersion = apiVersionOf(resource);
    for (const item of list.items) {
      item.apiVersion ??= apiVersion;
      item.kind ??= resource.kind;
    }
    return list;
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { namespace = '', signal, ...parameters } = options;
    const path = collectionPath(resource, namespace) + query({ watch: true, ...parameters });
    try {
      const answer = await this.#transport.stream({ method: 'GET', path, signal });
      if (answer.status !== 200) throw await failureOf(answer.status, answer.body);
      for await (const line of jsonLines(answer.body, WATCH_LINE_BYTES_MAX)) {
        const event = line as WatchEvent<T>;
        if (event.type === 'ERROR') throw statusErrorFrom(event.object, 500);
        yield event;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T, options: CallOptions = {}) {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const path =
      options.subresource === undefined
        ? collectionPath(resource, namespace) + query(dryRun(options))
        : objectPath(resource, { namespace, name }, options);
    return (await this.#call('POST', path, object, options)) as T;
  }

  async update<T extends KubeObject>(resource: Resource<T>, object: T, options: CallOptions = {}) {
    const { namespace = '', name = '' } = object.metadata ?? {};
    return (await this.#call('PUT', objectPath(resource, { namespace, name }, options), object, options)) as T;
  }

  async patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options: CallOptions = {}) {
    const path = objectPath(resource, key, options);
    return (await this.#call('PATCH', path, patch.body, options, PATCH_TYPES[patch.type])) as T;
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: Parameters<ApiClient['delete']>[2] = {},
  ): Promise<void> {
    const { signal, ...rest } = options;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...rest };
    await this.#call('DELETE', objectPath(resource, key, {}), body, { signal });
  }

  async request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
    return this.#send(method, path, body, { signal });
  }

  /** The object in the answer. @throws StatusError */
  async #call(...args: SendArguments): Promise<object> {
    const answer = await this.#send(...args);
    if (typeof answer === 'object' && answer !== null) return answer;
    throw new StatusError('InternalError', `the answer to ${args[0]} ${args[1]} is not a JSON object`);
  }

  async #send(...[method, path, body, options, contentType]: SendArguments): Promise<unknown> {
    const request: TransportRequest = {
      method,
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
    const { status, text } = await this.#transport.unary(request);
    const parsed = parse(text);
    if (status < 200 || status > 299) throw statusErrorFrom(parsed, status);
    return parsed;
  }
}

type SendArguments = [
  method: string,
  path: string,
  body: unknown,
  options: { readonly signal?: AbortSignal | undefined },
  contentType?: string,
];

/** JSON where it is JSON, else the text itself (`/healthz` says `ok`). */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function failureOf(status: number, body: AsyncIterable<Uint8Array>): Promise<Error> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) if (chunks.push(chunk) > 64) break; // a Status is short
  return statusErrorFrom(parse(Buffer.concat(chunks).toString('utf8')), status);
}

function apiVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

function collectionPath(resource: Omit<Resource<KubeObject>, 'example'>, namespace: string): string {
  const { group, version, plural, namespaced } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespaced && namespace !== ''
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${root}/${plural}`;
}

function objectPath(resource: Omit<Resource<KubeObject>, 'example'>, key: ObjectKey, options: GetOptions): string {
  const path = `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
  const { subresource, resourceVersion } = options;
  return (subresource === undefined ? path : `${path}/${subresource}`) + query({ ...dryRun(options), resourceVersion });
}

function dryRun(options: CallOptions): { readonly dryRun?: string } {
  return options.dryRun === true ? { dryRun: 'All' } : {};
}

function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const pairs = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, String(value)])).toString()}`;
}
