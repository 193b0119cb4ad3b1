import type { KubeObject } from '../api/objects.ts';
import type { ApiClient } from '../client/api-client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import type { InformerSet } from '../client/informer-set.ts';
import { runController } from '../client/run-controller.ts';
import type { Informer } from '../client/informer.ts';
import { createWorkQueue, type WorkQueue } from '../client/work-queue.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Runnable } from '../host/run-together.ts';

/** What every controller is given. */
export interface ControllerContext {
  readonly client: ApiClient;
  /** For caches of a controller's own: upstream's roles let the process read more than each controller. */
  readonly reader: ApiClient;
  /** Caches shared by all controllers of the process; asked for before they run. */
  readonly informers: InformerSet;
  /** Events of one controller, by its upstream name, as `replicaset-controller`. */
  recorder(component: string): EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
}

/** A controller is made of a context and runs until aborted. One file each; leaves with its file and one line of wiring. */
export type CreateController = (context: ControllerContext) => Runnable;

/** `namespace/name`; `name` alone for what is cluster-scoped. */
export function keyOf(object: KubeObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** Namespace (empty where there is none) and name of a key. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: slash < 0 ? '' : key.slice(0, slash), name: key.slice(slash + 1) };
}

interface QueuedController {
  readonly name: string;
  readonly context: ControllerContext;
  /** Caches that must be filled before the first reconcile. */
  readonly needs: readonly { synced(signal: AbortSignal): Promise<void> }[];
  /** Connects informers to the queue; called once. */
  readonly connect: (queue: WorkQueue) => void;
  readonly reconcile: (key: string, signal: AbortSignal, queue: WorkQueue) => Promise<void>;
  readonly workers?: number;
}

/** The usual controller: informers fill a queue of keys, and each key is reconciled. */
export function queuedController(options: QueuedController): Runnable {
  const { name, context, needs, connect, reconcile, workers } = options;
  const log = context.log.part(name);
  const queue = createWorkQueue({ name, clock: context.clock, log });
  connect(queue);
  return {
    run: async (signal) =>
      runController(
        {
          name,
          informers: needs,
          queue,
          reconcile: async (key, stop) => reconcile(key, stop, queue),
          log,
          ...(workers === undefined ? {} : { workers }),
        },
        signal,
      ),
  };
}

/** Queues each object of an informer that changes. */
export function queueEach<T extends KubeObject>(informer: Informer<T>, queue: WorkQueue): void {
  informer.onChange((before, now) => {
    const object = now ?? before;
    if (object !== undefined) queue.add(keyOf(object));
  });
}
