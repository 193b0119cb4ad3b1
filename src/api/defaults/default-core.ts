import { Buffer } from 'node:buffer';
import type { Namespace, Node, Secret } from '../objects.ts';
import { canonicalMap } from './canonical-map.ts';

/** Every Namespace carries its name as a label, so that selectors can name it. */
const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** Fills in a Namespace. The label is set again whenever somebody takes it off. */
export function defaultNamespace(namespace: Namespace): void {
  namespace.spec ??= {};
  namespace.status ??= {};
  const name = namespace.metadata?.name;
  // With generateName the name comes later; the strategy calls again then.
  if (namespace.metadata === undefined || name === undefined || name === '') return;
  namespace.metadata.labels = { ...namespace.metadata.labels, [NAMESPACE_NAME_LABEL]: name };
}

/** Fills in a Secret; `stringData`, which is for writing only, becomes part of `data`. */
export function defaultSecret(secret: Secret): void {
  secret.type ||= 'Opaque';
  if (secret.stringData === undefined) return;
  const written = Object.entries(secret.stringData).map(([key, text]): [string, string] => [
    key,
    Buffer.from(text, 'utf8').toString('base64'),
  ]);
  if (written.length > 0) secret.data = { ...secret.data, ...Object.fromEntries(written) };
  delete secret.stringData;
}

/** Fills in a Node: what is not said to be reserved is allocatable; one pod CIDR is also the list of them. */
export function defaultNode(node: Node): void {
  node.spec ??= {};
  node.status ??= {};
  const { spec, status } = node;
  canonicalMap(status.capacity);
  canonicalMap(status.allocatable);
  if (status.allocatable === undefined && status.capacity !== undefined) status.allocatable = { ...status.capacity };
  if (spec.podCIDRs === undefined && spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
  if (!spec.podCIDR && spec.podCIDRs?.[0] !== undefined) spec.podCIDR = spec.podCIDRs[0];
}
