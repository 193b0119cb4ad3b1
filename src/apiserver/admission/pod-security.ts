import type { Namespace, Pod, PodSpec, UnknownObject } from '../../api/objects.ts';
import { forbidden, isReason } from '../../api/status.ts';
import { sameJson } from '../../api/validation/object-meta.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import { type Level, violations } from './pod-security-checks.ts';

const LABEL = 'pod-security.kubernetes.io/';
const WORKLOADS = new Set([
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'jobs',
  'replicationcontrollers',
]);

/** Holds pods to the level that their namespace's labels name; without a label everything is allowed (KEP-2579). */
export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  handles: (operation, { plural }, subresource) =>
    (operation === 'CREATE' || operation === 'UPDATE') &&
    ((plural === 'pods' && (subresource === '' || subresource === 'ephemeralcontainers')) ||
      (WORKLOADS.has(plural) && subresource === '')),
  async validate(attributes) {
    const spec = podSpecOf(attributes.object);
    if (spec === undefined) return;
    // An update that leaves the pod's spec alone is not judged again: the level may have been raised since.
    if (attributes.oldObject !== null && sameJson(spec, podSpecOf(attributes.oldObject))) return;
    const labels = await labelsOf(attributes);
    if (attributes.kind.plural === 'pods') enforce(spec, labels, attributes);
    const level = levelOf(labels[`${LABEL}warn`]);
    const wrong = violations(spec, level);
    if (wrong !== '')
      attributes.warn(`would violate PodSecurity "${level}:${versionOf(labels[`${LABEL}warn-version`])}": ${wrong}`);
  },
};

function enforce(spec: PodSpec, labels: Readonly<Record<string, string>>, { name }: AdmissionAttributes): void {
  const level = levelOf(labels[`${LABEL}enforce`]);
  const wrong = violations(spec, level);
  if (wrong === '') return;
  const version = versionOf(labels[`${LABEL}enforce-version`]);
  throw forbidden('pods', name, `violates PodSecurity "${level}:${version}": ${wrong}`);
}

async function labelsOf({ registry, namespace }: AdmissionAttributes): Promise<Readonly<Record<string, string>>> {
  for (const freshness of ['cache', 'latest'] as const) {
    try {
      const found = await registry.get<Namespace>('namespaces', '', namespace, { freshness });
      return found.metadata?.labels ?? {};
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
  return {};
}

/** A label that names no level is taken for the strictest one, as upstream does. */
function levelOf(label: string | undefined): Level {
  if (label === undefined || label === 'privileged') return 'privileged';
  return label === 'baseline' ? 'baseline' : 'restricted';
}

function versionOf(label: string | undefined): string {
  return label ?? 'latest';
}

function podSpecOf(object: UnknownObject | null): PodSpec | undefined {
  if (object === null) return undefined;
  if (object.kind === 'Pod') return (object as Pod).spec;
  return (object as { spec?: { template?: { spec?: PodSpec } } }).spec?.template?.spec;
}
