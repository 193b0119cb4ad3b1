import { qualifiedResource, type Kind } from './kind.ts';

/** The kinds being served. Rows can be added and taken away while it runs (custom resources). */
export class KindTable {
  readonly #byPath = new Map<string, Kind>();
  readonly #byResource = new Map<string, Kind>();
  /** Counts changes: what is derived from the table (discovery, OpenAPI) is stale when it has moved. */
  #generation = 0;

  constructor(kinds: readonly Kind[]) {
    for (const kind of kinds) this.set(kind);
  }

  get generation(): number {
    return this.#generation;
  }

  /** Adds a kind or replaces the one at its path. Of several versions the first set is the one of byResource(). */
  set(kind: Kind): void {
    this.#byPath.set(pathOf(kind.group, kind.version, kind.plural), kind);
    const resource = qualifiedResource(kind);
    const preferred = this.#byResource.get(resource);
    if (preferred === undefined || preferred.version === kind.version) this.#byResource.set(resource, kind);
    this.#generation += 1;
  }

  all(): Iterable<Kind> {
    return this.#byPath.values();
  }

  /** The kind served at /apis/group/version/plural. */
  byPath(group: string, version: string, plural: string): Kind | undefined {
    return this.#byPath.get(pathOf(group, version, plural));
  }

  /** @param resource as `pods`, `deployments.apps` */
  byResource(resource: string): Kind | undefined {
    return this.#byResource.get(resource);
  }

  /** The kind of an object's apiVersion and kind. */
  byKind(apiVersion: string, kindName: string): Kind | undefined {
    const [group, version] = splitApiVersion(apiVersion);
    for (const kind of this.#byPath.values())
      if (kind.kind === kindName && kind.group === group && kind.version === version) return kind;
    return undefined;
  }

  /** In whatever version. */
  hasGroup(group: string): boolean {
    for (const kind of this.#byPath.values()) if (kind.group === group) return true;
    return false;
  }

  hasGroupVersion(group: string, version: string): boolean {
    for (const kind of this.#byPath.values()) if (kind.group === group && kind.version === version) return true;
    return false;
  }
}

/** `apps/v1` -> ['apps', 'v1'], `v1` -> ['', 'v1']. */
export function splitApiVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

function pathOf(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
