import type { KubeObject } from '../api/objects.ts';
import { runTogether } from '../host/run-together.ts';
import { untilAborted } from '../host/until-aborted.ts';
import type { ApiClient, Resource } from './api-client.ts';
import { createInformer, type Informer, type InformerOptions } from './informer.ts';
import type { IndexFunction } from './indexed-cache.ts';

/** One informer per resource, shared by all parts of a process, so that each object is kept and watched once. */
export interface InformerSet {
  /** The informer of all objects of a resource. To be asked for before run; indexes add up. */
  of<T extends KubeObject>(resource: Resource<T>, indexers?: Readonly<Record<string, IndexFunction<T>>>): Informer<T>;
  /** Settles when the first list of each is in. */
  synced(signal: AbortSignal): Promise<void>;
  /** Runs them all until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** One informer per resource, made when first asked for; run() takes along all that were asked for before it. */
export function createInformerSet(
  client: ApiClient,
  options: Pick<InformerOptions<KubeObject>, 'clock' | 'log' | 'pageSize' | 'random'> = {},
): InformerSet {
  const informers = new Map<string, Informer<KubeObject>>();

  return {
    of<T extends KubeObject>(resource: Resource<T>, indexers: Readonly<Record<string, IndexFunction<T>>> = {}) {
      const id = `${resource.plural}.${resource.group}/${resource.version}`;
      const found = informers.get(id) as Informer<T> | undefined;
      const informer = found ?? createInformer(client, resource, options);
      if (found === undefined) informers.set(id, informer);
      for (const [name, indexer] of Object.entries(indexers)) informer.addIndex(name, indexer);
      return informer;
    },
    async synced(signal) {
      await Promise.all([...informers.values()].map(async (informer) => informer.synced(signal)));
    },
    async run(signal) {
      // One that nobody has asked for anything lasts, too.
      await runTogether([{ run: untilAborted }, ...informers.values()], signal);
    },
  };
}
