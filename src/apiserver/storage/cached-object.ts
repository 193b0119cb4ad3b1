import type { UnknownObject } from '../../api/objects.ts';
import { itemText, parseStored, wireText } from './object-text.ts';

/** What selectors look at. */
export interface Attributes {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Selectable fields by path; a field that is absent here is the empty string. */
  readonly fields: ReadonlyMap<string, string>;
}

/** Gives the attributes of a stored object as one kind sees it. */
export interface AttributesSource {
  attributesOf(object: UnknownObject): Attributes;
}

/** One state of one object, as compact text: it is parsed when a selector or a table needs it, and not kept parsed. */
export class CachedObject {
  readonly key: string;
  readonly text: string;
  readonly revision: number;
  #attributes: Attributes | undefined;
  #attributesSource: AttributesSource | undefined;

  constructor(key: string, text: string, revision: number) {
    this.key = key;
    this.text = text;
    this.revision = revision;
  }

  /** The JSON for the wire, resourceVersion included. */
  wire(): string {
    return wireText(this.text, this.revision);
  }

  /** The same as an item of a list. */
  item(): string {
    return itemText(this.text, this.revision);
  }

  /** A new object on each call. */
  parse(): UnknownObject {
    return parseStored(this.text, this.revision);
  }

  /** Worked out once and remembered: the labels and fields are small, the object is not. */
  attributes(source: AttributesSource): Attributes {
    if (this.#attributes === undefined || this.#attributesSource !== source) {
      this.#attributes = source.attributesOf(this.parse());
      this.#attributesSource = source;
    }
    return this.#attributes;
  }

  /** The same state under another revision: what a DELETED event carries. */
  at(revision: number): CachedObject {
    return new CachedObject(this.key, this.text, revision);
  }
}
