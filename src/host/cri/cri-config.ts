import { field, map, message, repeated } from '../protobuf.ts';

/**
 * What sandboxes and containers are made from, in the words and enum numbers of CRI v1 (cri-api
 * pkg/apis/runtime/v1/api.proto), and the tables that put it on the wire.
 */

export const PROTOCOL = { TCP: 0, UDP: 1, SCTP: 2 } as const;
export const PROPAGATION = { none: 0, hostToContainer: 1, bidirectional: 2 } as const;
/** Whose namespace a container lives in. */
export const NAMESPACE_MODE = { pod: 0, container: 1, node: 2, target: 3 } as const;
export const PROFILE = { runtimeDefault: 0, unconfined: 1, localhost: 2 } as const;
export const SUPPLEMENTAL_GROUPS = { merge: 0, strict: 1 } as const;

export interface SandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  /** Counts the sandboxes made for one pod. */
  readonly attempt: number;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PortMapping {
  readonly protocol: number;
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp: string;
}

export interface CriMount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly?: boolean;
  readonly propagation?: number;
}

export interface NamespaceOption {
  readonly network?: number;
  readonly pid?: number;
  readonly ipc?: number;
  readonly targetId?: string;
}

export interface SecurityProfile {
  readonly profileType?: number;
  readonly localhostRef?: string;
}

/** Lets 0 be told from nothing. */
export interface Int64Value {
  readonly value: number;
}

export interface SeLinuxOption {
  readonly user?: string;
  readonly role?: string;
  readonly type?: string;
  readonly level?: string;
}

export interface SandboxSecurity {
  readonly namespaceOptions?: NamespaceOption;
  readonly selinuxOptions?: SeLinuxOption;
  readonly runAsUser?: Int64Value;
  readonly runAsGroup?: Int64Value;
  readonly readonlyRootfs?: boolean;
  readonly supplementalGroups?: readonly number[];
  readonly supplementalGroupsPolicy?: number;
  readonly privileged?: boolean;
  readonly seccomp?: SecurityProfile;
  readonly apparmor?: SecurityProfile;
}

export interface LinuxSandbox {
  readonly cgroupParent: string;
  readonly securityContext: SandboxSecurity;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly overhead?: LinuxResources;
  readonly resources?: LinuxResources;
}

export interface SandboxConfig {
  readonly metadata: SandboxMetadata;
  readonly hostname: string;
  readonly logDirectory: string;
  readonly dnsConfig: DnsConfig | undefined;
  readonly portMappings: readonly PortMapping[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux: LinuxSandbox;
}

/** Limits as the kernel takes them; an absent one is left to the runtime. */
export interface LinuxResources {
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  readonly memoryLimitInBytes?: number;
  readonly oomScoreAdj?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly hugepageLimits?: readonly HugepageLimit[];
  readonly unified?: Readonly<Record<string, string>>;
  readonly memorySwapLimitInBytes?: number;
}

export interface HugepageLimit {
  readonly pageSize: string;
  readonly limit: number;
}

export interface CapabilityChange {
  readonly addCapabilities?: readonly string[];
  readonly dropCapabilities?: readonly string[];
}

export interface ContainerSecurity {
  readonly capabilities?: CapabilityChange;
  readonly privileged?: boolean;
  readonly namespaceOptions?: NamespaceOption;
  readonly selinuxOptions?: SeLinuxOption;
  readonly runAsUser?: Int64Value;
  readonly runAsGroup?: Int64Value;
  readonly runAsUsername?: string;
  readonly readonlyRootfs?: boolean;
  readonly supplementalGroups?: readonly number[];
  readonly supplementalGroupsPolicy?: number;
  readonly noNewPrivs?: boolean;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly seccomp?: SecurityProfile;
  readonly apparmor?: SecurityProfile;
}

export interface LinuxContainer {
  readonly resources: LinuxResources;
  readonly securityContext: ContainerSecurity;
}

export interface CriDevice {
  readonly containerPath: string;
  readonly hostPath: string;
  /** `rwm` or fewer. */
  readonly permissions: string;
}

export interface ImageSpec {
  readonly image: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly userSpecifiedImage?: string;
}

export interface ContainerConfig {
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly image: ImageSpec;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly envs: readonly { readonly key: string; readonly value: string }[];
  readonly mounts: readonly CriMount[];
  readonly devices: readonly CriDevice[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Relative to the sandbox's logDirectory. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly linux: LinuxContainer;
}

const dnsConfig = message<DnsConfig>('DNSConfig', {
  servers: repeated(1, 'string'),
  searches: repeated(2, 'string'),
  options: repeated(3, 'string'),
});

const portMapping = message<PortMapping>('PortMapping', {
  protocol: field(1, 'int32'),
  containerPort: field(2, 'int32'),
  hostPort: field(3, 'int32'),
  hostIp: field(4, 'string'),
});

export const mountMessage = message<CriMount>('Mount', {
  containerPath: field(1, 'string'),
  hostPath: field(2, 'string'),
  readonly: field(3, 'bool'),
  propagation: field(5, 'int32'),
});

export const namespaceOptionMessage = message<NamespaceOption>('NamespaceOption', {
  network: field(1, 'int32'),
  pid: field(2, 'int32'),
  ipc: field(3, 'int32'),
  targetId: field(4, 'string'),
});

export const int64ValueMessage = message<Int64Value>('Int64Value', { value: field(1, 'int64') });

const securityProfile = message<SecurityProfile>('SecurityProfile', {
  profileType: field(1, 'int32'),
  localhostRef: field(2, 'string'),
});

const seLinuxOption = message<SeLinuxOption>('SELinuxOption', {
  user: field(1, 'string'),
  role: field(2, 'string'),
  type: field(3, 'string'),
  level: field(4, 'string'),
});

const sandboxSecurity = message<SandboxSecurity>('LinuxSandboxSecurityContext', {
  namespaceOptions: field(1, namespaceOptionMessage),
  selinuxOptions: field(2, seLinuxOption),
  runAsUser: field(3, int64ValueMessage),
  readonlyRootfs: field(4, 'bool'),
  supplementalGroups: repeated(5, 'int64'),
  privileged: field(6, 'bool'),
  runAsGroup: field(8, int64ValueMessage),
  seccomp: field(9, securityProfile),
  apparmor: field(10, securityProfile),
  supplementalGroupsPolicy: field(11, 'int32'),
});

const hugepageLimit = message<HugepageLimit>('HugepageLimit', {
  pageSize: field(1, 'string'),
  limit: field(2, 'uint64'),
});

export const linuxResourcesMessage = message<LinuxResources>('LinuxContainerResources', {
  cpuPeriod: field(1, 'int64'),
  cpuQuota: field(2, 'int64'),
  cpuShares: field(3, 'int64'),
  memoryLimitInBytes: field(4, 'int64'),
  oomScoreAdj: field(5, 'int64'),
  cpusetCpus: field(6, 'string'),
  cpusetMems: field(7, 'string'),
  hugepageLimits: repeated(8, hugepageLimit),
  unified: map(9, 'string', 'string'),
  memorySwapLimitInBytes: field(10, 'int64'),
});

const linuxSandbox = message<LinuxSandbox>('LinuxPodSandboxConfig', {
  cgroupParent: field(1, 'string'),
  securityContext: field(2, sandboxSecurity),
  sysctls: map(3, 'string', 'string'),
  overhead: field(4, linuxResourcesMessage),
  resources: field(5, linuxResourcesMessage),
});

export const sandboxMetadataMessage = message<SandboxMetadata>('PodSandboxMetadata', {
  name: field(1, 'string'),
  uid: field(2, 'string'),
  namespace: field(3, 'string'),
  attempt: field(4, 'uint32'),
});

export const sandboxConfigMessage = message<SandboxConfig>('PodSandboxConfig', {
  metadata: field(1, sandboxMetadataMessage),
  hostname: field(2, 'string'),
  logDirectory: field(3, 'string'),
  dnsConfig: field(4, dnsConfig),
  portMappings: repeated(5, portMapping),
  labels: map(6, 'string', 'string'),
  annotations: map(7, 'string', 'string'),
  linux: field(8, linuxSandbox),
});

const capability = message<CapabilityChange>('Capability', {
  addCapabilities: repeated(1, 'string'),
  dropCapabilities: repeated(2, 'string'),
});

const containerSecurity = message<ContainerSecurity>('LinuxContainerSecurityContext', {
  capabilities: field(1, capability),
  privileged: field(2, 'bool'),
  namespaceOptions: field(3, namespaceOptionMessage),
  selinuxOptions: field(4, seLinuxOption),
  runAsUser: field(5, int64ValueMessage),
  runAsUsername: field(6, 'string'),
  readonlyRootfs: field(7, 'bool'),
  supplementalGroups: repeated(8, 'int64'),
  noNewPrivs: field(11, 'bool'),
  runAsGroup: field(12, int64ValueMessage),
  maskedPaths: repeated(13, 'string'),
  readonlyPaths: repeated(14, 'string'),
  seccomp: field(15, securityProfile),
  apparmor: field(16, securityProfile),
  supplementalGroupsPolicy: field(17, 'int32'),
});

const linuxContainer = message<LinuxContainer>('LinuxContainerConfig', {
  resources: field(1, linuxResourcesMessage),
  securityContext: field(2, containerSecurity),
});

export const containerMetadataMessage = message<ContainerConfig['metadata']>('ContainerMetadata', {
  name: field(1, 'string'),
  attempt: field(2, 'uint32'),
});

export const imageSpecMessage = message<ImageSpec>('ImageSpec', {
  image: field(1, 'string'),
  annotations: map(2, 'string', 'string'),
  userSpecifiedImage: field(18, 'string'),
});

const keyValue = message<ContainerConfig['envs'][number]>('KeyValue', {
  key: field(1, 'string'),
  value: field(2, 'string'),
});

const device = message<CriDevice>('Device', {
  containerPath: field(1, 'string'),
  hostPath: field(2, 'string'),
  permissions: field(3, 'string'),
});

export const containerConfigMessage = message<ContainerConfig>('ContainerConfig', {
  metadata: field(1, containerMetadataMessage),
  image: field(2, imageSpecMessage),
  command: repeated(3, 'string'),
  args: repeated(4, 'string'),
  workingDir: field(5, 'string'),
  envs: repeated(6, keyValue),
  mounts: repeated(7, mountMessage),
  devices: repeated(8, device),
  labels: map(9, 'string', 'string'),
  annotations: map(10, 'string', 'string'),
  logPath: field(11, 'string'),
  stdin: field(12, 'bool'),
  stdinOnce: field(13, 'bool'),
  tty: field(14, 'bool'),
  linux: field(15, linuxContainer),
});
