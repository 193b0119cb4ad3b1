import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../../../api/objects.ts';

/** Short ways of writing RBAC objects down. */

const RBAC = 'rbac.authorization.k8s.io';
const API_VERSION = `${RBAC}/v1`;
/** Marks what the API server made and keeps right, as long as the annotation says so. */
export const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const MARKS = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { [AUTOUPDATE]: 'true' },
};

export const READ = ['get', 'list', 'watch'];
export const WRITE = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** A rule; verbs, groups (`core` is the empty one) and resources as words between blanks. */
export function allow(verbs: string, groups: string, resources: string, names?: readonly string[]): PolicyRule {
  return {
    verbs: verbs.split(' '),
    apiGroups: groups.split(' ').map((group) => (group === 'core' ? '' : group)),
    resources: resources.split(' '),
    ...(names === undefined ? {} : { resourceNames: [...names] }),
  };
}

/** A rule for paths that are no resources; verbs are separated by spaces. */
export function allowPaths(verbs: string, paths: readonly string[]): PolicyRule {
  return { verbs: verbs.split(' '), nonResourceURLs: [...paths] };
}

/** Everybody who works writes events. */
export const EVENTS = allow('create patch update', 'core events.k8s.io', 'events');

/** Holding the Lease of this name. No name restricts a create, since it has none yet when it is authorized. */
export function lockRules(name: string): readonly PolicyRule[] {
  return [
    allow('create', 'coordination.k8s.io', 'leases'),
    allow('get list update watch', 'coordination.k8s.io', 'leases', [name]),
  ];
}

/** A ClusterRole with the marks of the bootstrap policy (plan-role.ts reconciles what carries them). */
export function clusterRole(
  name: string,
  rules: readonly PolicyRule[],
  labels: Record<string, string> = {},
): ClusterRole {
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRole',
    metadata: { ...MARKS, name, labels: { ...MARKS.labels, ...labels } },
    rules: [...rules],
  };
}

/** A role made of all roles with one of these labels. */
export function aggregatedRole(name: string, from: string, labels: Record<string, string> = {}): ClusterRole {
  const selector = { matchLabels: { [`${RBAC}/aggregate-to-${from}`]: 'true' } };
  return { ...clusterRole(name, [], labels), aggregationRule: { clusterRoleSelectors: [selector] } };
}

/** The label by which the rules of a ClusterRole are added to those of `role` (admin, edit, view). */
export function aggregateTo(role: string): Record<string, string> {
  return { [`${RBAC}/aggregate-to-${role}`]: 'true' };
}

/** A Role with the marks of the bootstrap policy. */
export function role(namespace: string, name: string, rules: readonly PolicyRule[]): Role {
  return { apiVersion: API_VERSION, kind: 'Role', metadata: { ...MARKS, namespace, name }, rules: [...rules] };
}

/** All members of the group. */
export function group(name: string): Subject {
  return { kind: 'Group', name, apiGroup: RBAC };
}

/** The user of that name. */
export function user(name: string): Subject {
  return { kind: 'User', name, apiGroup: RBAC };
}

/** A service account of kube-system. */
export function serviceAccount(name: string): Subject {
  return { kind: 'ServiceAccount', name, namespace: 'kube-system' };
}

/** A binding of the ClusterRole of this name, or of `roleName`. */
export function clusterBinding(name: string, subjects: readonly Subject[], roleName = name): ClusterRoleBinding {
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: { ...MARKS, name },
    subjects: [...subjects],
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: roleName },
  };
}

/** A binding of the Role of this name in the same namespace. */
export function binding(namespace: string, name: string, subjects: readonly Subject[]): RoleBinding {
  return {
    apiVersion: API_VERSION,
    kind: 'RoleBinding',
    metadata: { ...MARKS, namespace, name },
    subjects: [...subjects],
    roleRef: { apiGroup: RBAC, kind: 'Role', name },
  };
}
