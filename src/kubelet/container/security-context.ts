import type { Container, Pod, PodSecurityContext, SecurityContext } from '../../api/objects.ts';
import { StatusError } from '../../api/status.ts';
import type { RuntimeImage } from '../../host/cri/cri.ts';
import { NAMESPACE_MODE, PROFILE, SUPPLEMENTAL_GROUPS } from '../../host/cri/cri-config.ts';
import type {
  ContainerSecurity,
  Int64Value,
  NamespaceOption,
  SandboxSecurity,
  SecurityProfile,
} from '../../host/cri/cri-config.ts';
import { isHostNetwork } from '../pod-identity.ts';

/** Hidden from containers (upstream securitycontext/util.go). */
const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Where the kubelet's seccomp profiles of type Localhost lie. */
const SECCOMP_DIR = '/var/lib/kubelet/seccomp';

/** The namespaces of the pod's sandbox, and of its containers. */
export function namespaces(pod: Pod, targetId?: string): NamespaceOption {
  const { hostPID, hostIPC, shareProcessNamespace } = pod.spec ?? {};
  const shared = shareProcessNamespace === true ? NAMESPACE_MODE.pod : NAMESPACE_MODE.container;
  const own = hostPID === true ? NAMESPACE_MODE.node : shared;
  const isTarget = targetId !== undefined && own === NAMESPACE_MODE.container;
  return {
    network: isHostNetwork(pod) ? NAMESPACE_MODE.node : NAMESPACE_MODE.pod,
    ipc: hostIPC === true ? NAMESPACE_MODE.node : NAMESPACE_MODE.pod,
    pid: isTarget ? NAMESPACE_MODE.target : own,
    ...(isTarget ? { targetId } : {}),
  };
}

/** What of the container's security context also the pod's can say: the container's wins. */
function effective(pod: Pod, container: Container): SecurityContext {
  const { runAsUser, runAsGroup, runAsNonRoot, seLinuxOptions, seccompProfile, appArmorProfile } =
    pod.spec?.securityContext ?? {};
  const shared: SecurityContext = {
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    ...(runAsNonRoot === undefined ? {} : { runAsNonRoot }),
    ...(seLinuxOptions === undefined ? {} : { seLinuxOptions }),
    ...(seccompProfile === undefined ? {} : { seccompProfile }),
    ...(appArmorProfile === undefined ? {} : { appArmorProfile }),
  };
  return { ...shared, ...container.securityContext };
}

/**
 * The container's security context for the runtime.
 *
 * @throws StatusError Forbidden when the container must not run as root and would: becomes CreateContainerConfigError
 */
export function containerSecurity(
  pod: Pod,
  container: Container,
  image: RuntimeImage | undefined,
  targetId?: string,
): ContainerSecurity {
  const context = effective(pod, container);
  const privileged = context.privileged === true;
  verifyNonRoot(pod, container, context, image);
  const user = runAs(context, image);
  const added = context.capabilities?.add ?? [];
  const isUnmasked = privileged || context.procMount === 'Unmasked';
  return {
    ...user,
    ...(context.runAsGroup === undefined ? {} : { runAsGroup: { value: context.runAsGroup } }),
    privileged,
    readonlyRootfs: context.readOnlyRootFilesystem === true,
    namespaceOptions: namespaces(pod, targetId),
    capabilities: { addCapabilities: added, dropCapabilities: context.capabilities?.drop ?? [] },
    ...supplementalGroups(pod.spec?.securityContext),
    noNewPrivs: context.allowPrivilegeEscalation === false && !privileged && !added.includes('SYS_ADMIN'),
    maskedPaths: isUnmasked ? [] : MASKED_PATHS,
    readonlyPaths: isUnmasked ? [] : READONLY_PATHS,
    seccomp: privileged ? { profileType: PROFILE.unconfined } : seccompOf(context.seccompProfile),
    ...apparmorOf(context.appArmorProfile),
    ...(context.seLinuxOptions === undefined ? {} : { selinuxOptions: context.seLinuxOptions }),
  };
}

/** The sandbox's security context. */
export function sandboxSecurity(pod: Pod): SandboxSecurity {
  const context = pod.spec?.securityContext;
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return {
    namespaceOptions: namespaces(pod),
    privileged: containers.some(({ securityContext }) => securityContext?.privileged === true),
    ...(context?.runAsUser === undefined ? {} : { runAsUser: { value: context.runAsUser } }),
    ...(context?.runAsGroup === undefined ? {} : { runAsGroup: { value: context.runAsGroup } }),
    ...supplementalGroups(context),
    seccomp: { profileType: PROFILE.runtimeDefault },
    ...(context?.seLinuxOptions === undefined ? {} : { selinuxOptions: context.seLinuxOptions }),
  };
}

function runAs(
  context: SecurityContext,
  image: RuntimeImage | undefined,
): { runAsUser?: Int64Value; runAsUsername?: string } {
  if (context.runAsUser !== undefined) return { runAsUser: { value: context.runAsUser } };
  if (image?.uid !== undefined) return { runAsUser: { value: image.uid } };
  return image === undefined || image.username === '' ? {} : { runAsUsername: image.username };
}

function verifyNonRoot(
  pod: Pod,
  container: Container,
  context: SecurityContext,
  image: RuntimeImage | undefined,
): void {
  if (context.runAsNonRoot !== true) return;
  const where = `(pod: "${pod.metadata?.name}_${pod.metadata?.namespace}(${pod.metadata?.uid})", container: ${container.name})`;
  if (context.runAsUser !== undefined) {
    if (context.runAsUser !== 0) return;
    throw new StatusError('Forbidden', `container's runAsUser breaks non-root policy ${where}`);
  }
  if (image !== undefined && image.uid === undefined && image.username !== '') {
    const text = `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root`;
    throw new StatusError('Forbidden', `${text} ${where}`);
  }
  if (image?.uid === undefined || image.uid === 0)
    throw new StatusError('Forbidden', `container has runAsNonRoot and image will run as root ${where}`);
}

function supplementalGroups(context: PodSecurityContext | undefined): {
  supplementalGroups?: readonly number[];
  supplementalGroupsPolicy?: number;
} {
  const groups = [...(context?.fsGroup === undefined ? [] : [context.fsGroup]), ...(context?.supplementalGroups ?? [])];
  return {
    ...(groups.length === 0 ? {} : { supplementalGroups: groups }),
    ...(context?.supplementalGroupsPolicy === 'Strict' ? { supplementalGroupsPolicy: SUPPLEMENTAL_GROUPS.strict } : {}),
  };
}

function seccompOf(profile: SecurityContext['seccompProfile']): SecurityProfile {
  if (profile?.type === 'RuntimeDefault') return { profileType: PROFILE.runtimeDefault };
  if (profile?.type === 'Localhost')
    return { profileType: PROFILE.localhost, localhostRef: `${SECCOMP_DIR}/${profile.localhostProfile ?? ''}` };
  return { profileType: PROFILE.unconfined };
}

/** Without a word on AppArmor the runtime applies its default where the kernel has it. */
function apparmorOf(profile: SecurityContext['appArmorProfile']): { apparmor?: SecurityProfile } {
  if (profile === undefined) return {};
  if (profile.type === 'Unconfined') return { apparmor: { profileType: PROFILE.unconfined } };
  if (profile.type === 'Localhost')
    return { apparmor: { profileType: PROFILE.localhost, localhostRef: profile.localhostProfile ?? '' } };
  return { apparmor: { profileType: PROFILE.runtimeDefault } };
}
