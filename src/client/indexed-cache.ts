import type { KubeObject } from '../api/objects.ts';
import type { ChangeHandler, Lister } from './informer.ts';

/** Gives the values under which an object is found in one index. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

/** Objects by namespace and name and by any number of indexes; the writing side is the reflector's. */
export class IndexedCache<T extends KubeObject> implements Lister<T> {
  /** namespace -> name -> object */
  readonly #namespaces = new Map<string, Map<string, T>>();
  readonly #indexes = new Map<string, { readonly of: IndexFunction<T>; readonly values: Map<string, Set<T>> }>();
  readonly #onChange: ChangeHandler<T>;
  #all: readonly T[] | undefined;

  constructor(onChange: ChangeHandler<T>) {
    this.#onChange = onChange;
  }

  /** An index more, over what is there too. A second one of the same name changes nothing. */
  addIndex(name: string, of: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    this.#indexes.set(name, { of, values: new Map<string, Set<T>>() });
    for (const object of this.list()) this.#index(object, name);
  }

  get(namespace: string, name: string): T | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  list(namespace?: string): readonly T[] {
    if (namespace !== undefined && namespace !== '') return [...(this.#namespaces.get(namespace)?.values() ?? [])];
    this.#all ??= [...this.#namespaces.values()].flatMap((objects) => [...objects.values()]);
    return this.#all;
  }

  byIndex(index: string, value: string): readonly T[] {
    return [...(this.#indexes.get(index)?.values.get(value) ?? [])];
  }

  /** Takes in one object as it is now. An object no newer than what is there (same resourceVersion) changes nothing. */
  put(object: T): void {
    const { namespace = '', name = '', resourceVersion } = object.metadata ?? {};
    const before = this.get(namespace, name);
    if (before !== undefined && before.metadata?.resourceVersion === resourceVersion) return;
    let objects = this.#namespaces.get(namespace);
    if (objects === undefined) this.#namespaces.set(namespace, (objects = new Map<string, T>()));
    if (before !== undefined) this.#unindex(before);
    objects.set(name, object);
    this.#index(object);
    this.#all = undefined;
    // Another object under the same name: whoever holds the old one must hear that it is gone.
    if (before !== undefined && before.metadata?.uid !== object.metadata?.uid) {
      this.#onChange(before, undefined);
      this.#onChange(undefined, object);
    } else this.#onChange(before, object);
  }

  /** Takes out the object of this name. `last` is its last state, where the server told. */
  remove(namespace: string, name: string, last?: T): void {
    const before = this.get(namespace, name);
    if (before === undefined) return;
    const objects = this.#namespaces.get(namespace);
    objects?.delete(name);
    if (objects?.size === 0) this.#namespaces.delete(namespace);
    this.#unindex(before);
    this.#all = undefined;
    this.#onChange(last ?? before, undefined);
  }

  /** Makes the cache equal to a fresh list. */
  replace(objects: readonly T[]): void {
    const keep = new Set(objects.map((object) => `${object.metadata?.namespace ?? ''}/${object.metadata?.name}`));
    for (const { metadata } of this.list()) {
      const { namespace = '', name = '' } = metadata ?? {};
      if (!keep.has(`${namespace}/${name}`)) this.remove(namespace, name);
    }
    for (const object of objects) this.put(object);
  }

  /** Into every index, or only into the one of this name. */
  #index(object: T, only?: string): void {
    for (const [name, { of, values }] of this.#indexes) {
      if (only !== undefined && only !== name) continue;
      for (const value of of(object)) {
        const found = values.get(value);
        if (found === undefined) values.set(value, new Set([object]));
        else found.add(object);
      }
    }
  }

  #unindex(object: T): void {
    for (const { of, values } of this.#indexes.values()) {
      for (const value of of(object)) {
        const found = values.get(value);
        found?.delete(object);
        if (found?.size === 0) values.delete(value);
      }
    }
  }
}
