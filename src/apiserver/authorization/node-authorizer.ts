import type { PolicyRule } from '../../api/objects.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts';
import type { NodeGraph } from './node-graph.ts';
import { nodeNameOf } from './node-identity.ts';
import { ruleAllows } from './rule-match.ts';

/** What every node may do, apart from what depends on its pods (bootstrappolicy NodeRules). */
const NODE_RULES: readonly PolicyRule[] = [
  { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'] },
  {
    verbs: ['create'],
    apiGroups: ['authorization.k8s.io'],
    resources: ['subjectaccessreviews', 'localsubjectaccessreviews'],
  },
  { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['services'] },
  { verbs: ['create', 'update', 'patch'], apiGroups: ['', 'events.k8s.io'], resources: ['events'] },
  {
    verbs: ['create', 'get', 'list', 'watch'],
    apiGroups: ['certificates.k8s.io'],
    resources: ['certificatesigningrequests'],
  },
  { verbs: ['get', 'list', 'watch'], apiGroups: ['node.k8s.io'], resources: ['runtimeclasses'] },
  { verbs: ['get', 'list', 'watch'], apiGroups: ['storage.k8s.io'], resources: ['csidrivers'] },
  { verbs: ['get'], apiGroups: ['storage.k8s.io'], resources: ['volumeattachments'] },
];

const LEASE_NAMESPACE = 'kube-node-lease';
const UNRELATED = 'no relationship found between node';

function noRelation(node: string): string {
  return `${UNRELATED} '${node}' and this object`;
}

/** So many nodes may wait at once for our caches to catch up; more are told no at once. */
const CATCH_UPS_MAX = 16;

/**
 * Gives a kubelet what its own pods need and nothing else (plugin/pkg/auth/authorizer/node). For other users, and
 * where it does not allow, it has no opinion: RBAC may still allow.
 *
 * @param catchUp settles when the graph knows every pod that was bound before the call. A kubelet may have heard of
 * its pod from another API server, a moment before we do: without this its pod would wait for its next try.
 */
export function nodeAuthorizer(graph: NodeGraph, catchUp: () => Promise<void>): Authorizer {
  let waiting = 0;
  return {
    async authorize(request) {
      const decision = decide(request, graph);
      if (!decision.reason.startsWith(UNRELATED) || waiting >= CATCH_UPS_MAX) return decision;
      waiting += 1;
      try {
        await catchUp();
      } finally {
        waiting -= 1;
      }
      return decide(request, graph);
    },
  };
}

function decide(request: AuthorizationAttributes, graph: NodeGraph): Decision {
  const node = nodeNameOf(request.user);
  if (node === null) return none('');
  if (request.isResourceRequest) {
    if (request.group === '') {
      switch (request.resource) {
        case 'secrets':
        case 'configmaps':
          return readNamed(request, node, graph);
        case 'persistentvolumeclaims':
          return request.subresource === 'status' && isWrite(request.verb)
            ? related(request, node, graph)
            : readNamed(request, node, graph);
        case 'serviceaccounts':
          return tokenFor(request, node, graph);
        case 'nodes':
          return ownNode(request, node);
        case 'pods':
          return ownPods(request, node, graph);
        default:
      }
    }
    if (request.group === 'coordination.k8s.io' && request.resource === 'leases') return ownLease(request, node);
    if (request.group === 'storage.k8s.io' && request.resource === 'csinodes') return ownCsiNode(request, node);
  }
  return NODE_RULES.some((rule) => ruleAllows(rule, request)) ? ALLOW : none('');
}

const ALLOW: Decision = { result: 'allow', reason: '' };

function none(reason: string): Decision {
  return { result: 'no-opinion', reason };
}

function isWrite(verb: string): boolean {
  return verb === 'update' || verb === 'patch';
}

function isRead(verb: string): boolean {
  return verb === 'get' || verb === 'list' || verb === 'watch';
}

/** Secrets and ConfigMaps: one by one, and a watch of one counts as reading it. */
function readNamed(request: AuthorizationAttributes, node: string, graph: NodeGraph): Decision {
  if (!isRead(request.verb)) return none('can only read resources of this type');
  if (request.subresource !== '') return none('cannot read subresource');
  return related(request, node, graph);
}

function related(request: AuthorizationAttributes, node: string, graph: NodeGraph): Decision {
  const name = request.name === '' ? selectedName(request, 'metadata.name') : request.name;
  if (name === '') return none('can only read namespaced object of this type');
  return graph.refers(node, request.resource, request.namespace, name) ? ALLOW : none(noRelation(node));
}

function tokenFor(request: AuthorizationAttributes, node: string, graph: NodeGraph): Decision {
  if (request.subresource !== 'token') {
    if (request.verb !== 'get' || request.subresource !== '')
      return none('can only get individual resources of this type');
    return related(request, node, graph);
  }
  if (request.verb !== 'create') return none('can only create tokens for individual service accounts');
  return related(request, node, graph);
}

function ownNode(request: AuthorizationAttributes, node: string): Decision {
  const { verb, subresource, name } = request;
  if (subresource === 'status') return isWrite(verb) && name === node ? ALLOW : none('');
  if (subresource !== '') return none('');
  if (verb === 'create') return ALLOW; // under its own name only: NodeRestriction
  if (name === node && (verb === 'get' || isWrite(verb) || verb === 'watch')) return ALLOW;
  if ((verb === 'list' || verb === 'watch') && selectedName(request, 'metadata.name') === node) return ALLOW;
  return none(`node '${node}' cannot read all nodes, only its own Node object`);
}

function ownPods(request: AuthorizationAttributes, node: string, graph: NodeGraph): Decision {
  const { verb, subresource, name, namespace } = request;
  const isOwn = graph.refers(node, 'pods', namespace, name);
  if (subresource === 'status') return isWrite(verb) && isOwn ? ALLOW : none(noRelation(node));
  if (subresource === 'eviction') return verb === 'create' && isOwn ? ALLOW : none(noRelation(node));
  if (subresource !== '') return none('');
  switch (verb) {
    case 'create': // mirror pods: NodeRestriction
    case 'delete': // of a pod that was on this node a moment ago: NodeRestriction looks at the object
      return ALLOW;
    case 'get':
      return isOwn ? ALLOW : none(noRelation(node));
    case 'list':
    case 'watch':
      if (name !== '' && isOwn) return ALLOW;
      return selectedName(request, 'spec.nodeName') === node
        ? ALLOW
        : none('can only list/watch pods with spec.nodeName field selector');
    default:
      return none('');
  }
}

function ownLease(request: AuthorizationAttributes, node: string): Decision {
  if (request.namespace !== LEASE_NAMESPACE)
    return none(`can only access leases in the "${LEASE_NAMESPACE}" system namespace`);
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(request.verb))
    return none('can only get, create, update, patch, or delete a node lease');
  // The name of a lease to be created is not known yet; NodeRestriction looks at it.
  if (request.verb === 'create' && request.name === '') return ALLOW;
  return request.name === node ? ALLOW : none('can only access node lease with the same name as the requesting node');
}

/** What storage drivers say of a node: upstream's kubelet is not Ready before it has written its own. */
function ownCsiNode(request: AuthorizationAttributes, node: string): Decision {
  if (request.subresource !== '') return none('cannot authorize CSINode subresources');
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(request.verb))
    return none('can only get, create, update, patch, or delete a CSINode');
  // As with a lease: NodeRestriction looks at the name of one that is created.
  if (request.verb === 'create' && request.name === '') return ALLOW;
  return request.name === node ? ALLOW : none('can only access CSINode with the same name as the requesting node');
}

/** The one value that a field selector pins a field to, or the empty string. */
function selectedName({ fieldSelector }: AuthorizationAttributes, field: string): string {
  const term = fieldSelector?.find(({ key, operator }) => key === field && operator === 'In');
  return term?.values.length === 1 ? (term.values[0] ?? '') : '';
}
