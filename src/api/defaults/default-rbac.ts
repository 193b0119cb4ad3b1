import type { ClusterRoleBinding, RoleBinding } from '../objects.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** Users, groups and roles belong to RBAC's own API group, service accounts to the core group. */
export function defaultBinding(binding: ClusterRoleBinding | RoleBinding): void {
  if (binding.roleRef !== undefined) binding.roleRef.apiGroup ||= RBAC_GROUP;
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= RBAC_GROUP;
  }
}
