import type { UnknownObject } from '../../api/objects.ts';
import { apiVersionOf, qualifiedKind, qualifiedResource, type Kind } from '../../api/kinds/kind.ts';
import { badRequest } from '../../api/status.ts';
import { pathSegmentName } from '../../api/validation/names.ts';
import type { Attributes, AttributesSource } from '../storage/cached-object.ts';
import { fromStoredEvent, toStoredEvent } from './event-conversion.ts';
import type { Strategy } from './strategy.ts';

/** A kind with its strategy: how objects are seen at one path, whatever form they are stored in. */
export class KindView implements AttributesSource {
  readonly kind: Kind;
  readonly strategy: Strategy;
  readonly apiVersion: string;
  /** `deployments.apps` */
  readonly resource: string;
  /** `Deployment.apps` */
  readonly qualifiedKind: string;
  /** `/registry/pods/` */
  readonly prefix: string;
  /** Whether the stored form is this kind's own, so that texts pass through unparsed. */
  readonly isStoredForm: boolean;

  constructor(kind: Kind, strategy: Strategy) {
    this.kind = kind;
    this.strategy = strategy;
    this.apiVersion = apiVersionOf(kind);
    this.resource = qualifiedResource(kind);
    this.qualifiedKind = qualifiedKind(kind);
    this.prefix = `/registry/${kind.storagePrefix}/`;
    this.isStoredForm = kind.storedAs === undefined;
  }

  /** @throws StatusError BadRequest: a name that would reach out of its place (registry/generic/registry/store.go) */
  key(namespace: string, name: string): string {
    const wrong = pathSegmentName(name);
    if (wrong.length > 0) throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${wrong.join(';')}`);
    return this.kind.namespaced ? `${this.prefix}${namespace}/${name}` : `${this.prefix}${name}`;
  }

  /** The prefix of a namespace's keys; of all keys where the namespace is empty. */
  rangePrefix(namespace: string): string {
    return this.kind.namespaced && namespace !== '' ? `${this.prefix}${namespace}/` : this.prefix;
  }

  fromStored(object: UnknownObject): UnknownObject {
    return this.isStoredForm ? object : fromStoredEvent(object, this.apiVersion);
  }

  toStored(object: UnknownObject): UnknownObject {
    return this.isStoredForm ? object : toStoredEvent(object);
  }

  /** @param stored an object in its stored form */
  attributesOf(stored: UnknownObject): Attributes {
    const object = this.fromStored(stored);
    const fields = new Map<string, string>();
    for (const path of this.kind.selectableFields) {
      const value = this.strategy.selectableField?.(object, path) ?? plainField(object, path);
      if (value !== '') fields.set(path, value);
    }
    const { namespace = '', name = '', labels } = object.metadata ?? {};
    return { namespace, name, labels, fields };
  }
}

function plainField(object: UnknownObject, path: string): string {
  let value: unknown = object;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null) return '';
    value = (value as Record<string, unknown>)[step];
  }
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  return '';
}
