import { errorText } from '../api/error-text.ts';
import type { KubeObject } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { ApiClient, Resource } from '../client/api-client.ts';

/** A kind that the API server serves, and what can be done with its objects. */
export interface DiscoveredResource {
  readonly resource: Resource<KubeObject>;
  readonly verbs: readonly string[];
}

/** All that discovery told. Groups that could not be asked may hold objects that nobody sees. */
export interface Discovered {
  readonly resources: readonly DiscoveredResource[];
  /** What went wrong with each group version that did not answer. */
  readonly failures: ReadonlyMap<string, string>;
  /** Group versions whose names say nothing. */
  readonly unreadable: readonly string[];
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

/**
 * Every kind that the API server serves, in its preferred version, without subresources. One group that fails (an
 * aggregated API whose server is away) does not hide the others. @throws when the groups themselves cannot be listed
 */
export async function discoverResources(client: ApiClient, signal: AbortSignal): Promise<Discovered> {
  const { groups } = (await client.request('GET', '/apis', undefined, signal)) as GroupList;
  const versions = ['v1', ...groups.map(({ preferredVersion: { groupVersion } }) => groupVersion)];
  const unreadable = versions.filter((groupVersion) => groupVersion.split('/').length > 2);
  const failures = new Map<string, string>();
  const found = await Promise.all(
    versions
      .filter((groupVersion) => !unreadable.includes(groupVersion))
      .map(async (groupVersion) => {
        try {
          return await kindsOf(client, groupVersion, signal);
        } catch (error) {
          // Its last kind went since the groups were listed.
          if (!isReason(error, 'NotFound')) failures.set(groupVersion, errorText(error));
          return [];
        }
      }),
  );
  return { resources: found.flat(), failures, unreadable };
}

async function kindsOf(client: ApiClient, groupVersion: string, signal: AbortSignal): Promise<DiscoveredResource[]> {
  const [version = '', group = ''] = groupVersion.split('/').toReversed();
  const path = group === '' ? `/api/${version}` : `/apis/${groupVersion}`;
  const { resources } = (await client.request('GET', path, undefined, signal)) as ResourceList;
  return resources
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, namespaced, verbs }) => ({
      resource: { group, version, plural: name, kind, namespaced },
      verbs,
    }));
}
