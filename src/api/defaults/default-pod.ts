import type { Pod, PodSpec, PodTemplateSpec } from '../objects.ts';
import { canonicalMap } from './canonical-map.ts';
import { defaultContainer, defaultHostPorts, defaultRequests } from './default-container.ts';
import { defaultVolume } from './default-volume.ts';

/** Fills in a Pod: its spec, and what a pod has but a template leaves open (SetDefaults_Pod). */
export function defaultPod(pod: Pod): void {
  const { spec } = pod;
  pod.status ??= {};
  if (pod.status.podIP === undefined && pod.status.podIPs?.[0]?.ip !== undefined)
    pod.status.podIP = pod.status.podIPs[0].ip;
  if (pod.status.podIPs === undefined && pod.status.podIP) pod.status.podIPs = [{ ip: pod.status.podIP }];
  if (spec === undefined) return;
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    defaultRequests(container);
    if (spec.hostNetwork === true) defaultHostPorts(container);
  }
  for (const [name, limit] of Object.entries(spec.resources?.limits ?? {})) {
    if (spec.resources === undefined) continue;
    spec.resources.requests = { [name]: limit, ...spec.resources.requests };
  }
}

/** Fills in the template of a workload. */
export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec !== undefined) defaultPodSpec(template.spec);
}

/** Fills in a pod's spec wherever it stands (SetDefaults_PodSpec). */
function defaultPodSpec(spec: PodSpec): void {
  spec.restartPolicy ||= 'Always';
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  if (spec.terminationGracePeriodSeconds < 0) spec.terminationGracePeriodSeconds = 1;
  spec.schedulerName ||= 'default-scheduler';
  // Two names of one field: the old one is read when the new one is absent, and always written.
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const container of spec.containers ?? []) defaultContainer(container);
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  canonicalMap(spec.overhead);
  canonicalMap(spec.resources?.limits);
  canonicalMap(spec.resources?.requests);
}
