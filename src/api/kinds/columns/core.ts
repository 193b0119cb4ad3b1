import { conditionOf } from '../../condition.ts';
import type { ConfigMap, Lease, Namespace, Node, Secret, ServiceAccount } from '../../objects.ts';
import type { Column } from '../kind.ts';
import { AGE, column, NAME, wide } from './column.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const ROLE_LABEL = 'kubernetes.io/role';

function roles({ metadata }: Node): string {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(metadata?.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) found.add(key.slice(ROLE_PREFIX.length));
    else if (key === ROLE_LABEL && value !== '') found.add(value);
  }
  return found.size === 0 ? '<none>' : [...found].sort().join(',');
}

function nodeStatus(node: Node): string {
  const ready = conditionOf(node, 'Ready');
  const parts = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'];
  if (node.spec?.unschedulable === true) parts.push('SchedulingDisabled');
  return parts.join(',');
}

function address({ status }: Node, wanted: string): string {
  return status?.addresses?.find(({ type }) => type === wanted)?.address ?? '<none>';
}

export const NODE_COLUMNS: readonly Column[] = [
  NAME,
  column<Node>('Status', 'Whether the node takes pods.', nodeStatus),
  column<Node>('Roles', 'Roles by its labels.', roles),
  AGE,
  column<Node>('Version', 'Version of its kubelet.', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
  wide<Node>('Internal-IP', 'Its address in the cluster.', (node) => address(node, 'InternalIP')),
  wide<Node>('External-IP', 'Its address outside.', (node) => address(node, 'ExternalIP')),
  wide<Node>('OS-Image', 'Its operating system.', ({ status }) => status?.nodeInfo?.osImage || '<unknown>'),
  wide<Node>('Kernel-Version', 'Its kernel.', ({ status }) => status?.nodeInfo?.kernelVersion || '<unknown>'),
  wide<Node>(
    'Container-Runtime',
    'Its container runtime.',
    ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
  ),
];

export const NAMESPACE_COLUMNS: readonly Column[] = [
  NAME,
  column<Namespace>('Status', 'Active, or Terminating.', ({ status }) => status?.phase ?? ''),
  AGE,
];

export const CONFIG_MAP_COLUMNS: readonly Column[] = [
  NAME,
  column<ConfigMap>(
    'Data',
    'Number of keys.',
    ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
  ),
  AGE,
];

export const SECRET_COLUMNS: readonly Column[] = [
  NAME,
  column<Secret>('Type', 'What it is for.', ({ type }) => type ?? ''),
  column<Secret>('Data', 'Number of keys.', ({ data }) => Object.keys(data ?? {}).length),
  AGE,
];

export const SERVICE_ACCOUNT_COLUMNS: readonly Column[] = [
  NAME,
  column<ServiceAccount>('Secrets', 'Number of its secrets.', ({ secrets }) => secrets?.length ?? 0),
  AGE,
];

export const LEASE_COLUMNS: readonly Column[] = [
  NAME,
  column<Lease>('Holder', 'Who holds it.', ({ spec }) => spec?.holderIdentity ?? ''),
  AGE,
];
