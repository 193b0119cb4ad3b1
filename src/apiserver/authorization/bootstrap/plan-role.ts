import type {
  ClusterRole,
  ClusterRoleBinding,
  KubeObject,
  ObjectMeta,
  Role,
  RoleBinding,
  Subject,
} from '../../../api/objects.ts';
import { uncoveredRules } from '../rule-cover.ts';
import { AUTOUPDATE } from './policy.ts';

/** What to do about one bootstrap object that is there already: nothing, write this instead, or make it anew. */
export type RolePlan<T> =
  | { readonly action: 'keep' }
  | { readonly action: 'update'; readonly object: T }
  | { readonly action: 'recreate' };

/** Roles of Bramble's own parts are as the program says: an upgrade may also take rights away. */
const OWN = 'bramble:';

/**
 * Adds to a stored role what an upgrade brought and takes nothing away, so that what an administrator added stays
 * (component-helpers rbac/reconciliation). An annotation `autoupdate: "false"` switches this off for the object.
 */
export function planRole<T extends Role | ClusterRole>(wanted: T, stored: T): RolePlan<T> {
  if (stored.metadata?.annotations?.[AUTOUPDATE] === 'false') return { action: 'keep' };
  if ('aggregationRule' in wanted && wanted.aggregationRule !== undefined) return planAggregated(wanted, stored);
  const missing = uncoveredRules(stored.rules ?? [], wanted.rules ?? []);
  const metadata = withMarks(wanted, stored);
  const isOwn = wanted.metadata?.name?.startsWith(OWN) === true;
  if (isOwn && (missing.length > 0 || uncoveredRules(wanted.rules ?? [], stored.rules ?? []).length > 0))
    return { action: 'update', object: { ...stored, metadata: metadata ?? stored.metadata, rules: wanted.rules } };
  if (missing.length === 0 && metadata === null) return { action: 'keep' };
  return {
    action: 'update',
    object: {
      ...stored,
      metadata: metadata ?? stored.metadata,
      rules: missing.length === 0 ? (stored.rules ?? []) : [...(stored.rules ?? []), ...missing],
    },
  };
}

function planAggregated<T extends Role | ClusterRole>(wanted: T, stored: T): RolePlan<T> {
  const metadata = withMarks(wanted, stored);
  const isAggregated = 'aggregationRule' in stored && stored.aggregationRule !== undefined;
  if (isAggregated && metadata === null) return { action: 'keep' };
  return { action: 'update', object: { ...stored, ...wanted, metadata: metadata ?? stored.metadata } };
}

/** Adds missing subjects; a binding of another role has to be made anew, since roleRef cannot change. */
export function planBinding<T extends RoleBinding | ClusterRoleBinding>(wanted: T, stored: T): RolePlan<T> {
  if (stored.metadata?.annotations?.[AUTOUPDATE] === 'false') return { action: 'keep' };
  if (stored.roleRef.kind !== wanted.roleRef.kind || stored.roleRef.name !== wanted.roleRef.name)
    return { action: 'recreate' };
  const known = new Set((stored.subjects ?? []).map(keyOf));
  const missing = (wanted.subjects ?? []).filter((subject) => !known.has(keyOf(subject)));
  const metadata = withMarks(wanted, stored);
  if (missing.length === 0 && metadata === null) return { action: 'keep' };
  return {
    action: 'update',
    object: {
      ...stored,
      metadata: metadata ?? stored.metadata,
      subjects: [...(stored.subjects ?? []), ...missing],
    },
  };
}

function keyOf({ kind, name, namespace = '' }: Subject): string {
  return `${kind}|${namespace}|${name}`;
}

/** Stored metadata with missing labels and annotations added, or null when none are missing. */
function withMarks(wanted: KubeObject, stored: KubeObject): ObjectMeta | null {
  const labels = { ...wanted.metadata?.labels, ...stored.metadata?.labels };
  const annotations = { ...wanted.metadata?.annotations, ...stored.metadata?.annotations };
  const isSame =
    Object.keys(labels).length === Object.keys(stored.metadata?.labels ?? {}).length &&
    Object.keys(annotations).length === Object.keys(stored.metadata?.annotations ?? {}).length;
  return isSame ? null : { ...stored.metadata, labels, annotations };
}
