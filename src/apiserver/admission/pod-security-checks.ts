import type { Container, PodSpec, SecurityContext } from '../../api/objects.ts';

/** Levels of the Pod Security Standards, each with all that the one before forbids. */
export type Level = 'privileged' | 'baseline' | 'restricted';

/** What a pod does that a level forbids: in short, and where. */
interface Violation {
  readonly reason: string;
  readonly detail: string;
}

type Check = (spec: PodSpec) => Violation | null;

const BASELINE_CAPABILITIES = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);
const SELINUX_TYPES = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const RESTRICTED_VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
  'image',
]);

/** The complaints about a pod at this level, as `privileged (container "x" must not set ...), ...`; empty: it is fine. */
export function violations(spec: PodSpec, level: Level): string {
  const checks = level === 'privileged' ? [] : level === 'baseline' ? BASELINE : [...RESTRICTED, ...BASELINE];
  return checks
    .map((check) => check(spec))
    .filter((violation) => violation !== null)
    .map(({ reason, detail }) => `${reason} (${detail})`)
    .join(', ');
}

function containersOf(spec: PodSpec): Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function named(containers: readonly Container[]): string {
  const names = containers.map(({ name }) => `"${name}"`).join(', ');
  return `${containers.length === 1 ? 'container' : 'containers'} ${names}`;
}

/** A check of each container's security context. */
function perContainer(
  reason: string,
  must: string,
  isBad: (security: SecurityContext, spec: PodSpec) => boolean,
): Check {
  return (spec) => {
    const bad = containersOf(spec).filter(({ securityContext }) => isBad(securityContext ?? {}, spec));
    return bad.length === 0 ? null : { reason, detail: `${named(bad)} ${must}` };
  };
}

const BASELINE: readonly Check[] = [
  (spec) => {
    const bad = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true);
    if (bad.length === 0) return null;
    return { reason: 'host namespaces', detail: bad.map((field) => `${field}=true`).join(', ') };
  },
  perContainer('privileged', 'must not set securityContext.privileged=true', ({ privileged }) => privileged === true),
  (spec) => {
    const isBad = (name: string): boolean => !BASELINE_CAPABILITIES.has(name);
    const bad = containersOf(spec).filter(({ securityContext }) =>
      (securityContext?.capabilities?.add ?? []).some(isBad),
    );
    if (bad.length === 0) return null;
    const names = [
      ...new Set(bad.flatMap((one) => (one.securityContext?.capabilities?.add ?? []).filter(isBad))),
    ].sort();
    const list = names.map((name) => `"${name}"`).join(', ');
    return {
      reason: 'non-default capabilities',
      detail: `${named(bad)} must not include ${list} in securityContext.capabilities.add`,
    };
  },
  (spec) => {
    const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => `"${name}"`);
    return bad.length === 0
      ? null
      : { reason: 'hostPath volumes', detail: `${bad.length === 1 ? 'volume' : 'volumes'} ${bad.join(', ')}` };
  },
  (spec) => {
    const bad = containersOf(spec).filter(({ ports }) => (ports ?? []).some(({ hostPort }) => (hostPort ?? 0) !== 0));
    if (bad.length === 0) return null;
    const ports = [...new Set(bad.flatMap((one) => (one.ports ?? []).map(({ hostPort }) => hostPort ?? 0)))].filter(
      (port) => port !== 0,
    );
    return {
      reason: 'hostPort',
      detail: `${named(bad)} ${ports.length === 1 ? 'uses hostPort' : 'use hostPorts'} ${ports.join(', ')}`,
    };
  },
  (spec) => {
    const types = [
      spec.securityContext?.seLinuxOptions,
      ...containersOf(spec).map((one) => one.securityContext?.seLinuxOptions),
    ];
    const isBad = types.some(
      (one) => one !== undefined && (!SELINUX_TYPES.has(one.type ?? '') || Boolean(one.user) || Boolean(one.role)),
    );
    return isBad
      ? { reason: 'seLinuxOptions', detail: 'pod or containers set forbidden securityContext.seLinuxOptions' }
      : null;
  },
  perContainer(
    'procMount',
    'must not set securityContext.procMount',
    ({ procMount }) => procMount !== undefined && procMount !== 'Default',
  ),
  (spec) => {
    const all = [
      spec.securityContext?.seccompProfile,
      ...containersOf(spec).map((one) => one.securityContext?.seccompProfile),
    ];
    return all.some((profile) => profile?.type === 'Unconfined')
      ? {
          reason: 'seccompProfile',
          detail: 'pod or containers must not set securityContext.seccompProfile.type to "Unconfined"',
        }
      : null;
  },
  (spec) => {
    const bad = (spec.securityContext?.sysctls ?? [])
      .filter(({ name }) => !SAFE_SYSCTLS.has(name))
      .map(({ name }) => name);
    return bad.length === 0 ? null : { reason: 'forbidden sysctls', detail: bad.join(', ') };
  },
];

const RESTRICTED: readonly Check[] = [
  perContainer(
    'allowPrivilegeEscalation != false',
    'must set securityContext.allowPrivilegeEscalation=false',
    ({ allowPrivilegeEscalation }) => allowPrivilegeEscalation !== false,
  ),
  perContainer(
    'unrestricted capabilities',
    'must set securityContext.capabilities.drop=["ALL"]',
    ({ capabilities }) =>
      capabilities?.drop?.includes('ALL') !== true ||
      (capabilities.add ?? []).some((name) => name !== 'NET_BIND_SERVICE'),
  ),
  (spec) => {
    const bad = (spec.volumes ?? []).filter((volume) =>
      Object.keys(volume).some((key) => key !== 'name' && !RESTRICTED_VOLUMES.has(key)),
    );
    if (bad.length === 0) return null;
    const names = bad.map(({ name }) => `"${name}"`).join(', ');
    return {
      reason: 'restricted volume types',
      detail: `${bad.length === 1 ? 'volume' : 'volumes'} ${names} uses restricted volume type`,
    };
  },
  perContainer(
    'runAsNonRoot != true',
    'must set securityContext.runAsNonRoot=true',
    ({ runAsNonRoot }, spec) => (runAsNonRoot ?? spec.securityContext?.runAsNonRoot) !== true,
  ),
  perContainer(
    'runAsUser=0',
    'must not set runAsUser=0',
    ({ runAsUser }, spec) => (runAsUser ?? spec.securityContext?.runAsUser) === 0,
  ),
  perContainer(
    'seccompProfile',
    'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"',
    ({ seccompProfile }, spec) => {
      const { type } = seccompProfile ?? spec.securityContext?.seccompProfile ?? {};
      return type !== 'RuntimeDefault' && type !== 'Localhost';
    },
  ),
];
