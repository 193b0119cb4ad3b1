import type { UnknownObject } from '../../api/objects.ts';

/**
 * Objects as texts. The stored text is JSON that begins `{"kind":…,"apiVersion":…,"metadata":{`, without
 * metadata.resourceVersion, as kube-apiserver stores it; the revision is put in on the way out, so that most reads and
 * watch events never parse anything.
 */

const METADATA = '"metadata":{';

/** The text to store. */
export function storedText(object: UnknownObject): string {
  const { kind, apiVersion, metadata = {}, ...rest } = object;
  const { resourceVersion: _dropped, selfLink: _old, ...kept } = metadata;
  return JSON.stringify({ kind, apiVersion, metadata: kept, ...rest });
}

/** The text for the wire: the stored one with its resourceVersion. */
export function wireText(text: string, revision: number): string {
  const at = text.startsWith('{"kind":"') || text.startsWith('{"apiVersion":"') ? text.indexOf(METADATA) : -1;
  const start = at + METADATA.length;
  // Where metadata is not among the first fields its name could be a part of some value: take no chance.
  if (at < 0 || at > 400 || text[start] === '}') return JSON.stringify(parseStored(text, revision));
  return `${text.slice(0, start)}"resourceVersion":"${revision}",${text.slice(start)}`;
}

/** The same as an item of a list, whose kind says what its items are: without kind and apiVersion, as upstream has it. */
export function itemText(text: string, revision: number): string {
  const wire = wireText(text, revision);
  const at = wire.indexOf(METADATA);
  if (HEAD.test(wire.slice(0, at))) return `{${wire.slice(at)}`;
  const { kind: _kind, apiVersion: _version, ...item } = parseStored(text, revision);
  return JSON.stringify(item);
}

const HEAD = /^\{"(?:kind|apiVersion)":"[^"]*","(?:kind|apiVersion)":"[^"]*",$/;

/** The object of a stored text, a new one on each call, with its resourceVersion. */
export function parseStored(text: string, revision: number): UnknownObject {
  const object = JSON.parse(text) as UnknownObject;
  object.metadata ??= {};
  object.metadata.resourceVersion = String(revision);
  return object;
}
