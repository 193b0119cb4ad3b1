/** A column of `kubectl get` (meta/v1 TableColumnDefinition) and how its cell is found. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description: string;
  /** 0 is always shown, above 0 only with `-o wide`. */
  readonly priority: number;
  readonly cell: (object: Readonly<Record<string, unknown>>, nowMs: number) => string | number | boolean | null;
}

/** What can be done with a kind's objects, in discovery's and RBAC's words. */
export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** A subresource in discovery. `kind` and `group`/`version` are those of its bodies. */
export interface Subresource {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly Verb[];
}

/** A kind as a row of data: all that discovery, paths, storage and OpenAPI need to know of it. */
export interface Kind {
  /** The empty string for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** Name of its schema among the OpenAPI definitions. */
  readonly definition: string;
  /** Key prefix below `/registry/`, as kube-apiserver lays it out. Empty for kinds that are never stored (reviews). */
  readonly storagePrefix: string;
  /** Fields besides metadata.name and metadata.namespace that a field selector may name. */
  readonly selectableFields: readonly string[];
  /** Whether metadata.generation counts the changes of everything but metadata and status. */
  readonly hasGeneration?: boolean;
  /** No part of Bramble acts on its objects yet, only an upstream one in a part's place: who creates one is told so. */
  readonly isIdle?: boolean;
  /** Group and version of the stored form, where it is another than this row's (events.k8s.io). */
  readonly storedAs?: { readonly group: string; readonly version: string };
}

/** `deployments.apps`, `pods`: how messages and RBAC name a resource. */
export function qualifiedResource({ plural, group }: Pick<Kind, 'plural' | 'group'>): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** `Deployment.apps`, `Pod`: how validation failures name a kind. */
export function qualifiedKind({ kind, group }: Pick<Kind, 'kind' | 'group'>): string {
  return group === '' ? kind : `${kind}.${group}`;
}

/** `apps/v1`, `v1`. */
export function apiVersionOf({ group, version }: Pick<Kind, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}
