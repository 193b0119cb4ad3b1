import type { RegistryAccess } from '../registry/registry-access.ts';
import { type Authorizer, unionAuthorizer } from './authorizer.ts';
import { nodeAuthorizer } from './node-authorizer.ts';
import { NodeGraph, observeNodeGraph } from './node-graph.ts';
import { observeRoles } from './observe-roles.ts';
import { mastersAuthorizer, rbacAuthorizer } from './rbac-authorizer.ts';
import { RoleIndex } from './role-index.ts';

/** The authorizers in upstream's order (`--authorization-mode=Node,RBAC`), with what they decide from. */
export interface Authorization {
  readonly authorizer: Authorizer;
  /** For rules reviews and escalation checks. */
  readonly roles: RoleIndex;
  readonly graph: NodeGraph;
  /** Fills roles and graph and keeps them until `signal` is aborted; resolves when they are filled first. */
  observe(registry: RegistryAccess, signal: AbortSignal): Promise<void>;
}

/** Nothing is allowed but to `system:masters` until observe() has resolved. */
export function createAuthorization(): Authorization {
  const roles = new RoleIndex();
  const graph = new NodeGraph();
  let followed: RegistryAccess | null = null;
  // A consistent list is served from the cache once that has caught up, and the graph is fed by the same cache.
  const catchUp = async (): Promise<void> => {
    await followed?.list('pods', '', { fieldSelector: 'metadata.name=none' });
  };
  return {
    authorizer: unionAuthorizer([mastersAuthorizer, nodeAuthorizer(graph, catchUp), rbacAuthorizer(roles)]),
    roles,
    graph,
    observe: async (registry, signal) => {
      followed = registry;
      await Promise.all([observeRoles(roles, registry, signal), observeNodeGraph(graph, registry, signal)]);
    },
  };
}
