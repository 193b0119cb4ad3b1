import type { ApiClient, Resource } from '../../src/client/api-client.ts';
import { StatusError } from '../../src/api/status.ts';
import type { KubeObject } from '../../src/api/objects.ts';

/** One request that controllers made, as `PUT deployments/status`, and what became of it. */
export interface Call {
  readonly what: string;
  readonly name: string;
  /** `OK`, or the reason of the refusal. */
  readonly result: string;
}

/** An ApiClient that notes each request but watches, and may refuse some. */
export interface CountingClient extends ApiClient {
  readonly calls: Call[];
  /** Set by a test: what it throws takes the place of the request; a promise holds the request up before it is sent. */
  fault: ((what: string, object: KubeObject | undefined) => void | Promise<void>) | undefined;
}

export function countingClient(client: ApiClient): CountingClient {
  const calls: Call[] = [];
  const note = async <R>(
    [verb, { plural }, subresource]: readonly [string, Pick<Resource<KubeObject>, 'plural'>, string | undefined],
    name: string,
    act: () => Promise<R>,
    object?: KubeObject,
  ): Promise<R> => {
    const what = `${verb} ${plural}${subresource === undefined ? '' : `/${subresource}`}`;
    try {
      await self.fault?.(what, object);
      const result = await act();
      calls.push({ what, name, result: 'OK' });
      return result;
    } catch (error) {
      calls.push({ what, name, result: error instanceof StatusError ? error.reason : 'error' });
      throw error;
    }
  };
  const self: CountingClient = {
    calls,
    fault: undefined,
    get: async (resource, namespace, name, options) =>
      note(['GET', resource, options?.subresource], name, async () => client.get(resource, namespace, name, options)),
    list: async (resource, options) =>
      note(['LIST', resource, undefined], '', async () => client.list(resource, options)),
    watch: (resource, options) => client.watch(resource, options),
    create: async (resource, object, options) =>
      note(
        ['POST', resource, options?.subresource],
        object.metadata?.name ?? object.metadata?.generateName ?? '',
        async () => client.create(resource, object, options),
        object,
      ),
    update: async (resource, object, options) =>
      note(
        ['PUT', resource, options?.subresource],
        object.metadata?.name ?? '',
        async () => client.update(resource, object, options),
        object,
      ),
    patch: async (resource, key, patch, options) =>
      note(['PATCH', resource, options?.subresource], key.name, async () =>
        client.patch(resource, key, patch, options),
      ),
    delete: async (resource, key, options) =>
      note(['DELETE', resource, undefined], key.name, async () => client.delete(resource, key, options)),
    request: async (method, path, body, signal) =>
      note([method, { plural: path }, undefined], '', async () => client.request(method, path, body, signal)),
  };
  return self;
}

/** How often each request was made: `{ 'PUT deployments/status': 2 }`; refused ones carry their reason. */
export function tally(calls: readonly Call[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { what, result } of calls) {
    const key = result === 'OK' ? what : `${what} ${result}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
