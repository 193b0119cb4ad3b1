import { matchesFields, matchesLabels, type Selector } from '../../api/selector.ts';
import type { KindView } from '../registry/kind-view.ts';
import type { Attributes, CachedObject } from '../storage/cached-object.ts';

export interface FilterOptions {
  readonly namespace: string;
  /** Empty: every name. */
  readonly name: string;
  readonly labels: Selector;
  readonly fields: Selector;
}

/** Which objects a list or watch wants. */
export class ObjectFilter {
  readonly keyPrefix: string;
  readonly #view: KindView;
  readonly #exactKey: string | undefined;
  readonly #labels: Selector;
  readonly #fields: Selector;

  constructor(view: KindView, { namespace, name, labels, fields }: FilterOptions) {
    this.#view = view;
    this.keyPrefix = view.rangePrefix(namespace);
    const isOne = name !== '' && (namespace !== '' || !view.kind.namespaced);
    this.#exactKey = isOne ? view.key(namespace, name) : undefined;
    this.#labels = labels;
    const named: Selector = name === '' || isOne ? [] : [{ key: 'metadata.name', operator: 'In', values: [name] }];
    this.#fields = [...fields, ...named];
  }

  /** Set when the filter is for one object: its key. */
  get exactKey(): string | undefined {
    return this.#exactKey;
  }

  /** Whether matching needs more than the key. */
  get hasSelectors(): boolean {
    return this.#labels.length > 0 || this.#fields.length > 0;
  }

  matches(object: CachedObject): boolean {
    if (this.#exactKey !== undefined ? object.key !== this.#exactKey : !object.key.startsWith(this.keyPrefix))
      return false;
    if (!this.hasSelectors) return true;
    const attributes = object.attributes(this.#view);
    return (
      matchesLabels(this.#labels, attributes.labels) && matchesFields(this.#fields, (path) => fieldOf(attributes, path))
    );
  }
}

function fieldOf({ name, namespace, fields }: Attributes, path: string): string {
  if (path === 'metadata.name') return name;
  if (path === 'metadata.namespace') return namespace;
  return fields.get(path) ?? '';
}
