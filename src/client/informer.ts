import type { KubeObject } from '../api/objects.ts';

/** A read-only cache of the server's objects of one kind. Objects in it are shared: never change one. */
export interface Lister<T extends KubeObject> {
  get(namespace: string, name: string): T | undefined;
  /** All, or those of one namespace. */
  list(namespace?: string): readonly T[];
  /** Those whose index function `index` gave `value`. */
  byIndex(index: string, value: string): readonly T[];
}

/** What happened to one object: added (`before` undefined), changed, or deleted (`now` undefined). */
export type ChangeHandler<T extends KubeObject> = (before: T | undefined, now: T | undefined) => void;

/** Keeps a Lister equal to the server and says what changed. Several parts may share one. */
export interface Informer<T extends KubeObject> {
  readonly lister: Lister<T>;
  /** Tells of each change after this call; of what is already there first, as additions. Returns how to stop it. */
  onChange(handler: ChangeHandler<T>): () => void;
  /** Settles when the first list is in. */
  synced(signal: AbortSignal): Promise<void>;
  /** Lists and watches until aborted. */
  run(signal: AbortSignal): Promise<void>;
}
