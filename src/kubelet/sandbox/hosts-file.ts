import type { Pod } from '../../api/objects.ts';
import { isHostNetwork } from '../pod-identity.ts';
import type { PodHostname } from './pod-hostname.ts';

const HEADER = '# Kubernetes-managed hosts file.\n';
const HOST_NETWORK_HEADER = '# Kubernetes-managed hosts file (host network).\n';
const COMMON = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

/** The text of a pod's /etc/hosts (upstream kubelet_pods.go). @param hostFile the board's own, for host network */
export function hostsFile(pod: Pod, podIps: readonly string[], name: PodHostname, hostFile: string): string {
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}\n`);
  const tail = aliases.length === 0 ? '' : `\n# Entries added by HostAliases.\n${aliases.join('')}`;
  if (isHostNetwork(pod)) return `${HOST_NETWORK_HEADER}${hostFile}${tail}`;
  const names = name.domain === '' ? name.hostname : `${name.hostname}.${name.domain}\t${name.hostname}`;
  return `${HEADER}${COMMON}${podIps.map((ip) => `${ip}\t${names}\n`).join('')}${tail}`;
}
