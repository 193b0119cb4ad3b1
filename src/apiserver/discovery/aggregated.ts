import type { Kind, Subresource } from '../../api/kinds/kind.ts';
import type { KindTable } from '../../api/kinds/kind-table.ts';
import { groupVersions, kindsOf } from './resource-list.ts';

/** Aggregated discovery: apidiscovery.k8s.io APIGroupDiscoveryList. @param isCore `/api`, else `/apis` */
export function groupDiscoveryList(kinds: KindTable, isCore: boolean, version: string): object {
  const groups = new Map<string, string[]>();
  for (const { group, version: served } of groupVersions(kinds))
    if ((group === '') === isCore) groups.set(group, [...(groups.get(group) ?? []), served]);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: [...groups].map(([group, versions]) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: versions.map((served) => ({
        version: served,
        resources: kindsOf(kinds, group, served).map(resourceDiscovery),
        freshness: 'Current',
      })),
    })),
  };
}

function resourceDiscovery(kind: Kind): object {
  const { group, version, plural, singular, namespaced, verbs, shortNames, categories, subresources } = kind;
  return {
    resource: plural,
    responseKind: { group, version, kind: kind.kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources: subresources.map((one) => subresourceDiscovery(one, kind)) } : {}),
  };
}

function subresourceDiscovery({ name, kind, group, version, verbs }: Subresource, owner: Kind): object {
  return {
    subresource: name,
    responseKind: { group: group ?? owner.group, version: version ?? owner.version, kind },
    verbs,
  };
}
