import { definitionOf } from './definition-name.ts';
import type { Kind, Subresource, Verb } from './kind.ts';

/** What can be done with most kinds. */
export const ALL: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
/** Of kinds that are asked and not kept. */
export const CREATE: readonly Verb[] = ['create'];
/** Of subresources that are another view of the object. */
export const READ_WRITE: readonly Verb[] = ['get', 'patch', 'update'];

/** A group and a version of it. */
export interface Home {
  readonly group: string;
  readonly version: string;
}

/** The group without a name. */
export const CORE: Home = { group: '', version: 'v1' };
/** The group of workloads. */
export const APPS: Home = { group: 'apps', version: 'v1' };

type Row = Partial<Omit<Kind, 'group' | 'version' | 'kind' | 'plural'>>;

/** A row with everything that is as usual filled in: namespaced, all verbs, stored below its plural. */
export function row(home: Home, kind: string, plural: string, rest: Row = {}): Kind {
  return {
    group: home.group,
    version: home.version,
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs: ALL,
    subresources: [],
    definition: definitionOf({ ...home, kind }),
    storagePrefix: plural,
    selectableFields: [],
    ...rest,
  };
}

/** The subresource `status`. */
export function status(kind: string): Subresource {
  return { name: 'status', kind, verbs: READ_WRITE };
}

/** The subresource `scale`. */
export const SCALE: Subresource = {
  name: 'scale',
  kind: 'Scale',
  group: 'autoscaling',
  version: 'v1',
  verbs: READ_WRITE,
};
