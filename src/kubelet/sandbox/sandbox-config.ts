import type { Pod } from '../../api/objects.ts';
import { PROTOCOL } from '../../host/cri/cri-config.ts';
import type { DnsConfig, PortMapping, SandboxConfig } from '../../host/cri/cri-config.ts';
import { sandboxLabels } from '../runtime/cri-labels.ts';
import { isHostNetwork, isSidecar, podName, podNamespace, podUid } from '../pod-identity.ts';
import { sandboxSecurity } from '../container/security-context.ts';

/** What the sandbox needs beyond the pod. */
export interface SandboxFacts {
  readonly attempt: number;
  readonly hostname: string;
  readonly logDirectory: string;
  readonly dns: DnsConfig;
  readonly cgroupParent: string;
}

/** The CRI configuration of a pod's sandbox (upstream generatePodSandboxConfig). */
export function sandboxConfig(pod: Pod, facts: SandboxFacts): SandboxConfig {
  const sysctls = pod.spec?.securityContext?.sysctls ?? [];
  return {
    metadata: { name: podName(pod), namespace: podNamespace(pod), uid: podUid(pod), attempt: facts.attempt },
    // On the host's network the pod has the host's name.
    hostname: isHostNetwork(pod) ? '' : facts.hostname,
    logDirectory: facts.logDirectory,
    dnsConfig: facts.dns,
    portMappings: portMappings(pod),
    labels: sandboxLabels(pod),
    annotations: pod.metadata?.annotations ?? {},
    linux: {
      cgroupParent: facts.cgroupParent,
      securityContext: sandboxSecurity(pod),
      ...(sysctls.length === 0 ? {} : { sysctls: Object.fromEntries(sysctls.map(({ name, value }) => [name, value])) }),
    },
  };
}

function portMappings(pod: Pod): readonly PortMapping[] {
  if (isHostNetwork(pod)) return [];
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar);
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap(({ ports = [] }) =>
    ports.map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) => ({
      protocol: PROTOCOL[protocol],
      containerPort,
      hostPort,
      hostIp: hostIP,
    })),
  );
}
