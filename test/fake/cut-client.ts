import { StatusError } from '../../src/api/status.ts';
import type { ApiClient } from '../../src/client/api-client.ts';

/** `client` as a board sees it whose API server gets no answer from the store while `isCut` says so. Watches go on. */
export function cutClient(client: ApiClient, isCut: () => boolean): ApiClient {
  const check = (): void => {
    if (isCut()) throw new StatusError('Timeout', 'the store gives no answer');
  };
  return {
    get: async (...args) => (check(), client.get(...args)),
    list: async (...args) => (check(), client.list(...args)),
    watch: (...args) => client.watch(...args),
    create: async (...args) => (check(), client.create(...args)),
    update: async (...args) => (check(), client.update(...args)),
    patch: async (...args) => (check(), client.patch(...args)),
    delete: async (...args) => (check(), client.delete(...args)),
    request: async (...args) => (check(), client.request(...args)),
  };
}
