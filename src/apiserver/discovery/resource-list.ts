import { createHash } from 'node:crypto';
import { apiVersionOf, type Kind } from '../../api/kinds/kind.ts';
import type { KindTable } from '../../api/kinds/kind-table.ts';
import { GROUP_ORDER } from '../../api/kinds/rows.ts';

/** The group versions being served, in the order in which they are preferred. */
export function groupVersions(kinds: KindTable): { group: string; version: string }[] {
  const found = new Map<string, { group: string; version: string }>();
  for (const kind of kinds.all()) found.set(apiVersionOf(kind), { group: kind.group, version: kind.version });
  const rank = (group: string): number => {
    const at = GROUP_ORDER.indexOf(group);
    return at < 0 ? GROUP_ORDER.length : at;
  };
  return [...found.values()].sort((a, b) => rank(a.group) - rank(b.group));
}

/** The kinds of one group version, by plural. */
export function kindsOf(kinds: KindTable, group: string, version: string): Kind[] {
  return [...kinds.all()]
    .filter((kind) => kind.group === group && kind.version === version)
    .sort((a, b) => (a.plural < b.plural ? -1 : 1));
}

/** `/api/v1`, `/apis/<group>/<version>`: meta/v1 APIResourceList. */
export function resourceList(kinds: KindTable, group: string, version: string): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: kindsOf(kinds, group, version).flatMap((kind) => [ownResource(kind), ...subresources(kind)]),
  };
}

function ownResource(kind: Kind): object {
  const { plural, singular, namespaced, verbs, shortNames, categories } = kind;
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind: kind.kind,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(kind.storagePrefix === '' ? {} : { storageVersionHash: storageVersionHash(kind) }),
  };
}

function subresources({ plural, namespaced, subresources: all }: Kind): object[] {
  return all.map(({ name, kind, group, version, verbs }) => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    ...(group === undefined ? {} : { group, version }),
    kind,
    verbs,
  }));
}

function storageVersionHash({ group, version, kind, storedAs }: Kind): string {
  const stored = storedAs ?? { group, version };
  const id = `${stored.group}/${stored.version}/${kind}`;
  return createHash('sha256').update(id).digest().subarray(0, 8).toString('base64');
}
