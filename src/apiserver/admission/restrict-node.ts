import type { Node } from '../../api/objects.ts';
import { forbidden } from '../../api/status.ts';
import { sameJson } from '../../api/validation/object-meta.ts';
import type { AdmissionAttributes } from './admission.ts';

/** Labels of Kubernetes' own that a kubelet may give its node (KEP-279); those of other domains are free. */
const ALLOWED = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);
const ALLOWED_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const ROLE_PREFIX = 'node-role.kubernetes.io/';
/** Group in the certificates that control boards make for themselves: these may say that they are control boards. */
const CONTROL_BOARDS = 'system:bramble:control-boards';

/** A kubelet writes its own Node, without the fields by which an administrator keeps pods away from it. */
export function restrictNode(attributes: AdmissionAttributes, node: string): void {
  const { operation, subresource, object, oldObject, name } = attributes;
  const refuse = (why: string): never => {
    throw forbidden('nodes', name, why);
  };
  const requested = object as Node | null;
  if ((operation === 'CREATE' ? requested?.metadata?.name : name) !== node)
    refuse(`node "${node}" is not allowed to modify node "${name}"`);
  if (operation === 'DELETE') refuse(`node "${node}" is not allowed to delete itself`);
  if (requested === null || subresource === 'proxy') return;
  const before = oldObject as Node | null;
  dropRoles(attributes, requested, before);
  const changed = changedLabels(requested, before).filter((label) => !isAllowed(label));
  const own = attributes.user.groups.includes(CONTROL_BOARDS)
    ? changed.filter((label) => !label.startsWith(ROLE_PREFIX))
    : changed;
  if (own.length > 0)
    refuse(
      `is not allowed to ${operation === 'CREATE' ? 'set' : 'modify'} the following labels: ${own.sort().join(', ')}`,
    );
  if (subresource === '' && !sameJson(podNetworkOf(requested), podNetworkOf(before)))
    refuse(`node "${node}" is not allowed to set its pod network`);
  if (before === null) return;
  if (!sameJson(requested.spec?.taints, before.spec?.taints)) refuse(`node "${node}" is not allowed to modify taints`);
  if (!sameJson(requested.metadata?.ownerReferences, before.metadata?.ownerReferences))
    refuse(`node "${node}" is not allowed to modify ownerReferences`);
}

/**
 * Every board routes a Node's prefixes to it: one that named its own could take others' traffic, up to all of it.
 * Upstream's kubelet never writes them, and is not held to it.
 */
function podNetworkOf(node: Node | null): object {
  const { podCIDR = '', podCIDRs = [] } = node?.spec ?? {};
  return { podCIDR, podCIDRs };
}

/**
 * A board that calls itself a control board without being one is not refused, as upstream would: it would never come
 * up, for a label. The label goes, and a warning says so.
 */
function dropRoles({ user, warn }: AdmissionAttributes, node: Node, before: Node | null): void {
  if (user.groups.includes(CONTROL_BOARDS)) return;
  const labels = node.metadata?.labels ?? {};
  for (const label of changedLabels(node, before)) {
    if (!label.startsWith(ROLE_PREFIX)) continue;
    const was = before?.metadata?.labels?.[label];
    if (was === undefined) delete labels[label];
    else labels[label] = was;
    warn(`metadata.labels: ${label} is not a kubelet's to set: left as it was`);
  }
}

function changedLabels(node: Node, before: Node | null): string[] {
  const labels = node.metadata?.labels ?? {};
  const old = before?.metadata?.labels ?? {};
  return [...new Set([...Object.keys(labels), ...Object.keys(old)])].filter((label) => labels[label] !== old[label]);
}

function isAllowed(label: string): boolean {
  const [domain = ''] = label.split('/');
  if (!label.includes('/') || ALLOWED.has(label)) return true;
  if (ALLOWED_DOMAINS.some((allowed) => domain === allowed || domain.endsWith(`.${allowed}`))) return true;
  return !['kubernetes.io', 'k8s.io'].some((own) => domain === own || domain.endsWith(`.${own}`));
}
