import type { KubeObject } from '../../api/objects.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';
import type { RoleIndex } from './role-index.ts';

/** Keeps the index equal to the stored RBAC objects until `signal` is aborted; resolves when it is filled first. */
export async function observeRoles(index: RoleIndex, registry: RegistryAccess, signal: AbortSignal): Promise<void> {
  const follow = async <T extends KubeObject>(resource: string, table: Map<string, T>): Promise<void> => {
    await registry.observe<T>(
      resource,
      {
        onReplace: (objects) => {
          table.clear();
          for (const object of objects) table.set(keyOf(object), object);
          index.invalidate();
        },
        onUpsert: (object) => {
          table.set(keyOf(object), object);
          index.invalidate();
        },
        onDelete: (object) => {
          table.delete(keyOf(object));
          index.invalidate();
        },
      },
      signal,
    );
  };
  await Promise.all([
    follow('roles.rbac.authorization.k8s.io', index.roles),
    follow('clusterroles.rbac.authorization.k8s.io', index.clusterRoles),
    follow('rolebindings.rbac.authorization.k8s.io', index.roleBindings),
    follow('clusterrolebindings.rbac.authorization.k8s.io', index.clusterRoleBindings),
  ]);
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
