import type { FieldError } from '../field-error.ts';
import { duplicate, forbiddenField, invalid, notSupported, required } from '../field-error.ts';
import type { PodSpec, SecurityContext } from '../objects.ts';

const ID_RANGE = 'must be between 0 and 2147483647, inclusive';
const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
/** Names of kernel parameters, with dots or slashes between their parts. */
const SYSCTL = /^([a-z0-9][-_a-z0-9]*[a-z0-9]?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;

type Profile = NonNullable<SecurityContext['seccompProfile']>;

/** The security context of one container (ValidateSecurityContext). */
export function validateContainerSecurity(security: SecurityContext | undefined, at: string): FieldError[] {
  if (security === undefined) return [];
  const errors = validateIds(security, at);
  const { allowPrivilegeEscalation, privileged, capabilities, procMount } = security;
  if (procMount !== undefined && procMount !== 'Default' && procMount !== 'Unmasked')
    errors.push(notSupported(`${at}.procMount`, procMount, ['Default', 'Unmasked']));
  errors.push(...validateProfile('seccomp', security.seccompProfile, `${at}.seccompProfile`));
  if (allowPrivilegeEscalation === false) {
    if (privileged === true)
      errors.push(invalid(at, security, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    if (capabilities?.add?.includes('CAP_SYS_ADMIN') === true)
      errors.push(
        invalid(at, security, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'),
      );
  }
  errors.push(...validateProfile('AppArmor', security.appArmorProfile, `${at}.appArmorProfile`));
  return errors;
}

/** The security context of a pod, and what sharing the host's namespaces excludes. */
export function validatePodSecurity(spec: PodSpec, at: string): FieldError[] {
  const security = spec.securityContext;
  const errors: FieldError[] = [];
  if (spec.hostPID === true && spec.shareProcessNamespace === true)
    errors.push(
      invalid(`${at}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
    );
  if (spec.hostUsers === false) {
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
      if (spec[field] === true) errors.push(forbiddenField(`${at}.${field}`, 'when `hostUsers` is false'));
    }
  }
  if (security === undefined) return errors;
  errors.push(...validateIds(security, at));
  if (!isId(security.fsGroup)) errors.push(invalid(`${at}.fsGroup`, security.fsGroup, ID_RANGE));
  for (const [i, group] of (security.supplementalGroups ?? []).entries()) {
    if (!isId(group)) errors.push(invalid(`${at}.supplementalGroups[${i}]`, group, ID_RANGE));
  }
  errors.push(...validateSysctls(security.sysctls ?? [], `${at}.sysctls`));
  const policy = security.fsGroupChangePolicy;
  if (policy !== undefined && policy !== 'Always' && policy !== 'OnRootMismatch')
    errors.push(notSupported(`${at}.fsGroupChangePolicy`, policy, ['Always', 'OnRootMismatch']));
  errors.push(...validateProfile('seccomp', security.seccompProfile, `${at}.seccompProfile`));
  errors.push(...validateProfile('AppArmor', security.appArmorProfile, `${at}.appArmorProfile`));
  const groups = security.supplementalGroupsPolicy;
  if (groups !== undefined && groups !== 'Merge' && groups !== 'Strict')
    errors.push(notSupported(`${at}.supplementalGroupsPolicy`, groups, ['Merge', 'Strict']));
  return errors;
}

function validateIds(
  { runAsUser, runAsGroup }: Pick<SecurityContext, 'runAsUser' | 'runAsGroup'>,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!isId(runAsUser)) errors.push(invalid(`${at}.runAsUser`, runAsUser, ID_RANGE));
  if (!isId(runAsGroup)) errors.push(invalid(`${at}.runAsGroup`, runAsGroup, ID_RANGE));
  return errors;
}

function isId(id: number | undefined): boolean {
  return id === undefined || (id >= 0 && id <= 2_147_483_647);
}

function validateProfile(sort: string, profile: Profile | undefined, at: string): FieldError[] {
  if (profile === undefined) return [];
  if (!profile.type) return [required(`${at}.type`, 'type is required when seccompProfile is set')];
  if (!PROFILE_TYPES.includes(profile.type)) return [notSupported(`${at}.type`, profile.type, PROFILE_TYPES)];
  if (profile.type !== 'Localhost') {
    if (profile.localhostProfile === undefined) return [];
    return [
      invalid(`${at}.localhostProfile`, profile.localhostProfile, `can only be set when ${sort} type is Localhost`),
    ];
  }
  const file = profile.localhostProfile ?? '';
  if (file === '') return [required(`${at}.localhostProfile`, `must be set when ${sort} type is Localhost`)];
  return sort === 'seccomp' ? descendingPath(file, `${at}.localhostProfile`) : [];
}

/** A path that stays below where it starts. */
export function descendingPath(path: string, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (path.startsWith('/')) errors.push(invalid(at, path, 'must be a relative path'));
  if (path.split('/').includes('..')) errors.push(invalid(at, path, "must not contain '..'"));
  return errors;
}

function validateSysctls(sysctls: readonly { name?: string }[], path: string): FieldError[] {
  const seen = new Set<string>();
  return sysctls.flatMap(({ name = '' }, i) => {
    const at = `${path}[${i}].name`;
    if (name === '') return [required(at)];
    const errors: FieldError[] = [];
    if (name.length > 253 || !SYSCTL.test(name))
      errors.push(
        invalid(
          at,
          name,
          'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
        ),
      );
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    return errors;
  });
}
