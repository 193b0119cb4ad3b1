import type { NamespaceCondition } from '../api/objects.ts';
import { rfc3339 } from '../api/time.ts';

/** Objects of one kind that are still in a namespace. */
export interface Left {
  /** As `pods.`, `deployments.apps`: the plural, a dot, the group. */
  readonly resource: string;
  readonly count: number;
  /** The finalizers of these objects, one entry for each object and finalizer. */
  readonly finalizers: readonly string[];
}

/** What came of emptying a namespace. */
export interface Emptied {
  readonly left: readonly Left[];
  /** Group versions that discovery could not ask, and why; or the one error of a discovery that failed as a whole. */
  readonly discovery: ReadonlyMap<string, string> | string;
  readonly unreadable: readonly string[];
  /** Why the objects of a kind could not be deleted, a text for each. */
  readonly failures: readonly string[];
}

/** Whether nothing is left, and nothing could have been overlooked: only then the namespace may go. */
export function isEmpty({ left, discovery, unreadable, failures }: Emptied): boolean {
  const isDiscovered = typeof discovery !== 'string' && discovery.size === 0;
  return left.length === 0 && isDiscovered && unreadable.length === 0 && failures.length === 0;
}

type Row = readonly [
  type: string,
  ok: readonly [reason: string, message: string],
  bad: readonly [string, string] | null,
];

/** The conditions of a namespace that is being emptied, in upstream's words (namespace/deletion/status_condition_utils.go). */
export function conditionsFor(
  emptied: Emptied,
  before: readonly NamespaceCondition[],
  nowMs: number,
): NamespaceCondition[] {
  const now = rfc3339(nowMs);
  const rows = rowsFor(emptied).map(([type, ok, bad]): NamespaceCondition => {
    const status = bad === null ? 'False' : 'True';
    const [reason, message] = bad ?? ok;
    const old = before.find((condition) => condition.type === type);
    const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? now) : now;
    return { type, status, reason, message, lastTransitionTime };
  });
  return [...before.filter(({ type }) => !rows.some((row) => row.type === type)), ...rows];
}

function rowsFor({ left, discovery, unreadable, failures }: Emptied): readonly Row[] {
  const remaining = left.map(({ resource, count }) => `${resource} has ${count} resource instances`).toSorted();
  const holders = Map.groupBy(
    left.flatMap(({ finalizers }) => finalizers),
    (finalizer) => finalizer,
  );
  const held = [...holders].map(([name, { length }]) => `${name} in ${length} resource instances`).toSorted();
  return [
    [
      'NamespaceDeletionDiscoveryFailure',
      ['ResourcesDiscovered', 'All resources successfully discovered'],
      discoveryFailure(discovery),
    ],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
      unreadable.length === 0
        ? null
        : ['GroupVersionParsingFailed', `unexpected GroupVersion string: ${unreadable.join(', ')}`],
    ],
    [
      'NamespaceDeletionContentFailure',
      ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
      failures.length === 0
        ? null
        : [
            'ContentDeletionFailed',
            `Failed to delete all resource types, ${failures.length} remaining: ${failures.toSorted().join(', ')}`,
          ],
    ],
    [
      'NamespaceContentRemaining',
      ['ContentRemoved', 'All content successfully removed'],
      remaining.length === 0 ? null : ['SomeResourcesRemain', `Some resources are remaining: ${remaining.join(', ')}`],
    ],
    [
      'NamespaceFinalizersRemaining',
      ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
      held.length === 0
        ? null
        : ['SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${held.join(', ')}`],
    ],
  ];
}

function discoveryFailure(discovery: Emptied['discovery']): readonly [string, string] | null {
  if (typeof discovery === 'string') return ['DiscoveryFailed', discovery];
  if (discovery.size === 0) return null;
  const groups = [...discovery].map(([groupVersion, why]) => `${groupVersion}: ${why}`).toSorted();
  const why = `unable to retrieve the complete list of server APIs: ${groups.join(', ')}`;
  return ['DiscoveryFailed', `Discovery failed for some groups, ${discovery.size} failing: ${why}`];
}
