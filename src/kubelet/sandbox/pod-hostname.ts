import type { Pod } from '../../api/objects.ts';
import { podName, podNamespace } from '../pod-identity.ts';

const LABEL_LENGTH_MAX = 63;
const FQDN_LENGTH_MAX = 64;

/** The host name inside the pod, and the domain it has where a subdomain is set. */
export interface PodHostname {
  readonly hostname: string;
  /** `web.ns1.svc.cluster.local`; empty without a subdomain. */
  readonly domain: string;
}

/** The pod's name in the cluster's DNS (upstream GeneratePodHostNameAndDomain). */
export function podHostname(pod: Pod, clusterDomain: string): PodHostname {
  const { hostname = '', hostnameOverride, subdomain = '' } = pod.spec ?? {};
  if (hostnameOverride !== undefined) return { hostname: hostnameOverride, domain: '' };
  const name = hostname === '' ? podName(pod) : hostname;
  // A label must not end in a dash or dot once it is cut.
  const short = name.length > LABEL_LENGTH_MAX ? name.slice(0, LABEL_LENGTH_MAX).replace(/[-.]+$/, '') : name;
  const domain = subdomain === '' ? '' : `${subdomain}.${podNamespace(pod)}.svc.${clusterDomain}`;
  return { hostname: short, domain };
}

/** What `hostname` prints in the pod. @throws Error when the FQDN asked for is too long for the kernel */
export function sandboxHostname(pod: Pod, { hostname, domain }: PodHostname): string {
  if (pod.spec?.setHostnameAsFQDN !== true || domain === '') return hostname;
  const fqdn = `${hostname}.${domain}`;
  if (fqdn.length <= FQDN_LENGTH_MAX) return fqdn;
  throw new Error(
    `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (${FQDN_LENGTH_MAX} characters is the max, ${fqdn.length} characters requested)`,
  );
}
