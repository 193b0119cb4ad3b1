import type {
  ClusterRole,
  ClusterRoleBinding,
  KubeObject,
  Namespace,
  Role,
  RoleBinding,
} from '../../../api/objects.ts';
import { isReason } from '../../../api/status.ts';
import type { RegistryAccess } from '../../registry/registry-access.ts';
import { sameJson } from '../../../api/validation/object-meta.ts';
import { RoleIndex } from '../role-index.ts';
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES } from './bootstrap-policy.ts';
import { RETIRED } from './bramble-roles.ts';
import { planBinding, planRole, type RolePlan } from './plan-role.ts';

const NAMESPACES = ['kube-system', 'kube-public'];

/**
 * Ensures the bootstrap roles and bindings, once; several API servers may do so at the same time. What an
 * administrator added to them stays, what is missing comes back. @throws StatusError when the store does not answer
 */
export async function ensurePolicy(registry: RegistryAccess, signal: AbortSignal): Promise<void> {
  for (const name of NAMESPACES) {
    const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await createIfMissing(registry, 'namespaces', namespace);
  }
  const rbac = (plural: string): string => `${plural}.rbac.authorization.k8s.io`;
  await ensureAll<ClusterRole>(registry, rbac('clusterroles'), CLUSTER_ROLES, planRole, signal);
  await ensureAll<ClusterRoleBinding>(
    registry,
    rbac('clusterrolebindings'),
    CLUSTER_ROLE_BINDINGS,
    planBinding,
    signal,
  );
  await ensureAll<Role>(registry, rbac('roles'), ROLES, planRole, signal);
  await ensureAll<RoleBinding>(registry, rbac('rolebindings'), ROLE_BINDINGS, planBinding, signal);
  await fillAggregated(registry, rbac('clusterroles'), signal);
  for (const name of RETIRED)
    for (const resource of [rbac('rolebindings'), rbac('roles')])
      await registry.delete(resource, 'kube-system', name).catch(unlessGone);
}

function unlessGone(error: unknown): void {
  if (!isReason(error, 'NotFound')) throw error;
}

/**
 * Writes into aggregated roles what they aggregate, as upstream's controller does: for people who read them and for a
 * kube-apiserver in our place. Our own authorizer does not need it: its index resolves them at every change.
 */
async function fillAggregated(registry: RegistryAccess, resource: string, signal: AbortSignal): Promise<void> {
  const index = new RoleIndex();
  for (const role of await registry.list<ClusterRole>(resource, '')) index.clusterRoles.set(keyOf(role), role);
  for (const role of index.clusterRoles.values()) {
    signal.throwIfAborted();
    const name = role.metadata?.name ?? '';
    const rules = index.rulesOf({ kind: 'ClusterRole', name }, '') ?? [];
    if (role.aggregationRule === undefined || sameJson(role.rules, rules)) continue;
    await registry.update<ClusterRole>(resource, '', name, (current) => ({ ...current, rules: [...rules] }));
  }
}

async function ensureAll<T extends KubeObject>(
  registry: RegistryAccess,
  resource: string,
  wanted: readonly T[],
  plan: (wanted: T, stored: T) => RolePlan<T>,
  signal: AbortSignal,
): Promise<void> {
  const stored = new Map((await registry.list<T>(resource, '')).map((object) => [keyOf(object), object]));
  for (const object of wanted) {
    signal.throwIfAborted();
    const found = stored.get(keyOf(object));
    if (found === undefined) await createIfMissing(registry, resource, object);
    else await carryOut(registry, resource, object, found, plan);
  }
}

async function carryOut<T extends KubeObject>(
  registry: RegistryAccess,
  resource: string,
  wanted: T,
  found: T,
  plan: (wanted: T, stored: T) => RolePlan<T>,
): Promise<void> {
  const namespace = wanted.metadata?.namespace ?? '';
  const name = wanted.metadata?.name ?? '';
  const first = plan(wanted, found);
  if (first.action === 'keep') return;
  if (first.action === 'recreate') {
    await registry.delete(resource, namespace, name);
    await createIfMissing(registry, resource, wanted);
    return;
  }
  await registry.update<T>(resource, namespace, name, (current) => {
    const now = plan(wanted, current);
    return now.action === 'update' ? now.object : null;
  });
}

async function createIfMissing(registry: RegistryAccess, resource: string, object: KubeObject): Promise<void> {
  try {
    await registry.create(resource, structuredClone(object));
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error; // another API server was faster
  }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
