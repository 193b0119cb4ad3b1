import type { KubeObject } from '../api/objects.ts';
import type { Resource } from '../client/api-client.ts';
import { createInformer, type Informer } from '../client/informer.ts';
import type { ControllerContext } from './controller.ts';
import { type Discovered, discoverResources } from './discover-resources.ts';

/** Discovery is asked again so often (garbagecollector.go: Sync every 30 s), and after this when it gave no answer. */
const DISCOVER_EVERY_MS = 30_000;
const DISCOVER_AGAIN_MS = 2_000;
/** A kind whose list never comes (its conversion fails) must not stop the work on all others. */
const SYNC_MAX_MS = 30_000;

/** Told of the objects of all kinds, as they come, change and go. */
export interface KindObserver {
  onChange(resource: Resource<KubeObject>, before: KubeObject | undefined, now: KubeObject | undefined): void;
  /** The kind is served no more. */
  onGone(resource: Resource<KubeObject>): void;
}

interface Watched {
  readonly resource: Resource<KubeObject>;
  readonly informer: Informer<KubeObject>;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** A cache of every kind that matters to its owner; kinds that come with a CustomResourceDefinition, and go, included. */
export class KindWatches {
  readonly #context: ControllerContext;
  readonly #matters: (resource: Resource<KubeObject>, verbs: readonly string[]) => boolean;
  readonly #observer: KindObserver;
  readonly #watched = new Map<string, Watched>();
  readonly #transform: (object: KubeObject) => KubeObject;
  readonly #first = Promise.withResolvers<undefined>();
  #synced: Promise<unknown> = this.#first.promise;

  /** @param matters whether a kind is to be watched. @param transform slims each object before it is kept */
  constructor(
    context: ControllerContext,
    parts: {
      readonly matters: (resource: Resource<KubeObject>, verbs: readonly string[]) => boolean;
      readonly observer: KindObserver;
      readonly transform: (object: KubeObject) => KubeObject;
    },
  ) {
    this.#context = context;
    this.#matters = parts.matters;
    this.#observer = parts.observer;
    this.#transform = parts.transform;
  }

  /** The kind that a reference means; undefined when nobody serves it. */
  find(group: string, kind: string): Resource<KubeObject> | undefined {
    for (const { resource } of this.#watched.values())
      if (resource.kind === kind && resource.group === group) return resource;
    return undefined;
  }

  /** Settles when all kinds known now have been listed, or have had their time for it. Never rejects. */
  async synced(): Promise<void> {
    await this.#synced;
  }

  /** Follows discovery until aborted; settles when all watches have ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, clock, log } = this.#context;
    while (!signal.aborted) {
      let waitMs = DISCOVER_EVERY_MS;
      try {
        this.#follow(await discoverResources(client, signal), signal);
      } catch (error) {
        waitMs = DISCOVER_AGAIN_MS;
        if (!signal.aborted) log.debug('discovery gave no answer', { error });
      }
      await clock.sleepMs(waitMs, signal).catch(() => undefined); // rejects only when aborted
    }
    this.#first.resolve(undefined);
    await Promise.all([...this.#watched.values()].map(async ({ done }) => done));
  }

  /** Begins watches on new kinds and ends those of kinds that are gone; a group that did not answer keeps its own. */
  #follow({ resources, failures }: Discovered, signal: AbortSignal): void {
    const wanted = new Map(
      resources
        .filter(({ resource, verbs }) => this.#matters(resource, verbs))
        .map(({ resource }): [string, Resource<KubeObject>] => [idOf(resource), resource]),
    );
    for (const [id, { resource, stop }] of this.#watched) {
      if (wanted.has(id) || failures.has(groupVersionOf(resource))) continue;
      stop.abort();
      this.#watched.delete(id);
      this.#observer.onGone(resource);
    }
    const added = [...wanted].filter(([id]) => !this.#watched.has(id));
    for (const [id, resource] of added) this.#watched.set(id, this.#watch(resource, signal));
    if (added.length === 0) return;
    const { clock } = this.#context;
    const watched = [...this.#watched.values()];
    const listed = Promise.allSettled(watched.map(async ({ informer, stop }) => informer.synced(stop.signal)));
    this.#synced = Promise.race([listed, clock.sleepMs(SYNC_MAX_MS, signal)]).catch(() => undefined);
    void this.#synced.then(() => this.#first.resolve(undefined));
  }

  #watch(resource: Resource<KubeObject>, signal: AbortSignal): Watched {
    const { client, clock, log } = this.#context;
    const informer = createInformer(client, resource, { transform: this.#transform, clock, log });
    informer.onChange((before, now) => this.#observer.onChange(resource, before, now));
    const stop = new AbortController();
    return { resource, informer, stop, done: informer.run(AbortSignal.any([signal, stop.signal])) };
  }
}

function idOf({ group, version, plural }: Resource<KubeObject>): string {
  return `${plural}.${group}/${version}`;
}

function groupVersionOf({ group, version }: Resource<KubeObject>): string {
  return group === '' ? version : `${group}/${version}`;
}
