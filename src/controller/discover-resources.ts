import type { KubeObject } from '../api/objects.ts';
import type { ApiClient, Resource } from '../client/api-client.ts';

export interface DiscoveredResource {
  readonly resource: Resource<KubeObject>;
  readonly verbs: readonly string[];
}

interface GroupList {
  readonly groups: readonly { readonly name: string; readonly preferredVersion: { readonly groupVersion: string } }[];
}

interface ResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

/** Every kind that the API server serves, in its preferred version, without subresources. */
export async function discoverResources(
  client: ApiClient,
  signal: AbortSignal,
): Promise<readonly DiscoveredResource[]> {
  const { groups } = (await client.request('GET', '/apis', undefined, signal)) as GroupList;
  const homes = [
    { path: '/api/v1', groupVersion: 'v1' },
    ...groups.map(({ preferredVersion: { groupVersion } }) => ({ path: `/apis/${groupVersion}`, groupVersion })),
  ];
  const found: DiscoveredResource[] = [];
  for (const { path, groupVersion } of homes) {
    const [version = '', group = ''] = groupVersion.split('/').toReversed();
    const { resources } = (await client.request('GET', path, undefined, signal)) as ResourceList;
    for (const { name, kind, namespaced, verbs } of resources)
      if (!name.includes('/')) found.push({ resource: { group, version, plural: name, kind, namespaced }, verbs });
  }
  return found;
}
