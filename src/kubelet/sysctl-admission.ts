import type { Pod } from '../api/objects.ts';

type Namespace = 'ipc' | 'net';

/** What a pod may set without harm to others (upstream pkg/kubelet/sysctl/safe_sysctls.go). */
const SAFE: Readonly<Record<string, Namespace>> = {
  'kernel.shm_rmid_forced': 'ipc',
  'net.ipv4.ip_local_port_range': 'net',
  'net.ipv4.tcp_syncookies': 'net',
  'net.ipv4.ping_group_range': 'net',
  'net.ipv4.ip_unprivileged_port_start': 'net',
  'net.ipv4.ip_local_reserved_ports': 'net',
  'net.ipv4.tcp_keepalive_time': 'net',
  'net.ipv4.tcp_fin_timeout': 'net',
  'net.ipv4.tcp_keepalive_intvl': 'net',
  'net.ipv4.tcp_keepalive_probes': 'net',
  'net.ipv4.tcp_rmem': 'net',
  'net.ipv4.tcp_wmem': 'net',
};

/** Why the pod's sysctls are refused, in upstream's words; undefined when they may be set. @param allowed beyond the safe ones, `net.*` */
export function sysctlRefusal(
  pod: Pod,
  allowed: readonly string[],
): { readonly reason: string; readonly message: string } | undefined {
  const { hostNetwork, hostIPC, securityContext } = pod.spec ?? {};
  for (const { name } of securityContext?.sysctls ?? []) {
    const refuse = (why: string): { reason: string; message: string } => ({
      reason: 'SysctlForbidden',
      message: `forbidden sysctl: "${name}" ${why}`,
    });
    const dotted = withDots(name);
    if (SAFE[dotted] === undefined && !allowed.some((pattern) => matches(withDots(pattern), dotted)))
      return refuse('not allowlisted');
    const namespace = namespaceOf(dotted);
    if ((namespace === 'net' && hostNetwork === true) || (namespace === 'ipc' && hostIPC === true))
      return refuse(`not allowed with host ${namespace} enabled`);
  }
  return undefined;
}

function namespaceOf(name: string): Namespace | undefined {
  const isIpc = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(name);
  return SAFE[name] ?? (isIpc ? 'ipc' : name.startsWith('net.') ? 'net' : undefined);
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** `net/ipv4/conf/eth0.1/x` is `net.ipv4.conf.eth0/1.x`: whichever separator comes first is the one meant (sysctl(8)). */
function withDots(name: string): string {
  const first = /[./]/.exec(name)?.[0];
  if (first !== '/') return name;
  return name.replaceAll(/[./]/g, (one) => (one === '/' ? '.' : '/'));
}
