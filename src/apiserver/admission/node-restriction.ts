import type { EndpointSlice, Pod, UnknownObject } from '../../api/objects.ts';
import { qualifiedResource } from '../../api/kinds/kind.ts';
import { forbidden, isReason } from '../../api/status.ts';
import { nodeNameOf } from '../authorization/node-identity.ts';
import { referencesOf } from '../authorization/pod-references.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import { restrictNode } from './restrict-node.ts';

const MIRROR = 'kubernetes.io/config.mirror';

/** Holds kubelets to their own node: what the Node authorizer cannot see in a request's path (plugin/pkg/admission/noderestriction). */
export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  handles: (_operation, { group, plural }) =>
    (group === '' && (plural === 'nodes' || plural === 'pods' || plural === 'serviceaccounts')) ||
    (group === 'coordination.k8s.io' && plural === 'leases') ||
    (group === 'storage.k8s.io' && plural === 'csinodes') ||
    (group === 'discovery.k8s.io' && plural === 'endpointslices'),
  async mutate(attributes) {
    const node = nodeNameOf(attributes.user);
    if (node === null) return;
    switch (attributes.kind.plural) {
      case 'pods':
        return restrictPods(attributes, node);
      case 'nodes':
        return restrictNode(attributes, node);
      case 'serviceaccounts':
        return restrictToken(attributes, node);
      case 'leases':
        return restrictLease(attributes, node);
      case 'csinodes':
        if (attributes.name !== node)
          refuse(attributes, 'can only access CSINode with the same name as the requesting node');
        return;
      case 'endpointslices':
        return restrictSlice(attributes, node);
      default:
    }
  },
};

function refuse({ kind, name }: AdmissionAttributes, why: string): never {
  throw forbidden(qualifiedResource(kind), name, why);
}

async function restrictPods(attributes: AdmissionAttributes, node: string): Promise<void> {
  const { operation, subresource } = attributes;
  const stored = async (): Promise<Pod | null> => (attributes.oldObject ?? (await findPod(attributes))) as Pod | null;
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return restrictMirror(attributes, node);
      if (operation === 'DELETE') {
        const pod = await stored();
        if (pod !== null && pod.spec?.nodeName !== node)
          refuse(attributes, `node "${node}" can only delete pods with spec.nodeName set to itself`);
        return;
      }
      return refuse(
        attributes,
        `unexpected operation "${operation}", node "${node}" can only create and delete mirror pods`,
      );
    case 'status':
      if ((await stored())?.spec?.nodeName !== node)
        refuse(attributes, `node "${node}" can only update pod status for pods with spec.nodeName set to itself`);
      return restrictStatus(attributes, node);
    case 'eviction':
      if ((await stored())?.spec?.nodeName !== node)
        refuse(attributes, `node ${node} can only evict pods with spec.nodeName set to itself`);
      return;
    default:
      return refuse(
        attributes,
        `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`,
      );
  }
}

async function findPod({ registry, namespace, name }: AdmissionAttributes): Promise<UnknownObject | null> {
  try {
    return await registry.get<UnknownObject>('pods', namespace, name);
  } catch (error) {
    if (isReason(error, 'NotFound')) return null;
    throw error;
  }
}

/** A node may put up a mirror of its static pods: on itself, owned by itself, needing nothing of the API. */
async function restrictMirror(attributes: AdmissionAttributes, node: string): Promise<void> {
  const pod = attributes.object as Pod;
  if (pod.metadata?.annotations?.[MIRROR] === undefined)
    refuse(attributes, `pod does not have "${MIRROR}" annotation, node "${node}" can only create mirror pods`);
  if (pod.spec?.nodeName !== node)
    refuse(attributes, `node "${node}" can only create pods with spec.nodeName set to itself`);
  const owners = pod.metadata?.ownerReferences ?? [];
  const [owner] = owners;
  if (owners.length !== 1 || owner?.kind !== 'Node' || owner.apiVersion !== 'v1' || owner.name !== node)
    refuse(attributes, `node "${node}" can only create pods with an owner reference set to itself`);
  const self = await attributes.registry.get('nodes', '', node);
  if (owner?.uid !== self.metadata?.uid)
    refuse(attributes, `node ${node} UID mismatch: expected ${self.metadata?.uid} got ${owner?.uid}`);
  for (const reference of referencesOf(pod)) {
    const [resource = ''] = reference.split('/');
    refuse(attributes, `node "${node}" can not create pods that reference ${resource}`);
  }
}

function restrictStatus(attributes: AdmissionAttributes, node: string): void {
  const labels = JSON.stringify(attributes.object?.metadata?.labels ?? {});
  if (labels !== JSON.stringify(attributes.oldObject?.metadata?.labels ?? {}))
    refuse(attributes, `node "${node}" cannot update labels through pod status`);
}

/** A node asks for tokens of pods that run on it, and names which. */
async function restrictToken(attributes: AdmissionAttributes, node: string): Promise<void> {
  if (attributes.subresource !== 'token') return;
  const spec = attributes.object?.['spec'] as
    | { boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string } }
    | undefined;
  const ref = spec?.boundObjectRef;
  if (ref === undefined || ref.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name)
    return refuse(attributes, 'node requested token not bound to a pod');
  if (!ref.uid) return refuse(attributes, 'node requested token with a pod binding without a uid');
  const pod = await attributes.registry.get<Pod>('pods', attributes.namespace, ref.name);
  if (pod.metadata?.uid !== ref.uid)
    refuse(
      attributes,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (pod.spec?.nodeName !== node)
    refuse(attributes, 'node requested token bound to a pod scheduled on a different node');
}

function restrictLease(attributes: AdmissionAttributes, node: string): void {
  if (attributes.namespace !== 'kube-node-lease')
    refuse(attributes, `can only access leases in the "kube-node-lease" system namespace`);
  if (attributes.name !== node)
    refuse(attributes, 'can only access node lease with the same name as the requesting node');
}

/** Bramble's own: an agent tells of the DNS server that runs on its board, and of no other (architecture section 7). */
function restrictSlice(attributes: AdmissionAttributes, node: string): void {
  if (attributes.name !== `kube-dns-${node}` || attributes.namespace !== 'kube-system')
    return refuse(attributes, `node "${node}" can only write the EndpointSlice kube-system/kube-dns-${node}`);
  if (attributes.object === null) return;
  const slice = attributes.object as unknown as EndpointSlice;
  if (slice.metadata?.labels?.['kubernetes.io/service-name'] !== 'kube-dns')
    refuse(attributes, `node "${node}" can only write endpoints of the Service kube-dns`);
  if ((slice.endpoints ?? []).some(({ nodeName }) => nodeName !== node))
    refuse(attributes, `node "${node}" can only write endpoints with nodeName set to itself`);
}
