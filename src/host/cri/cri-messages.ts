import {
  containerConfigMessage,
  containerMetadataMessage,
  imageSpecMessage,
  linuxResourcesMessage,
  mountMessage,
  namespaceOptionMessage,
  sandboxConfigMessage,
  sandboxMetadataMessage,
} from './cri-config.ts';
import type {
  ContainerConfig,
  CriMount,
  ImageSpec,
  LinuxResources,
  NamespaceOption,
  SandboxConfig,
  SandboxMetadata,
} from './cri-config.ts';
import { field, map, message, repeated } from '../protobuf.ts';

/** Requests and answers of the RuntimeService (cri-api pkg/apis/runtime/v1/api.proto): only the fields we use. */

type Labels = Record<string, string>;

export const empty = message<object>('Empty', {});

export interface IdRequest {
  id: string;
}

/** Many requests and answers hold one id in field 1. */
export const idMessage = message<IdRequest>('Id', { id: field(1, 'string') });

export const versionRequest = message<{ version: string }>('VersionRequest', { version: field(1, 'string') });
export const versionResponse = message<{ runtimeName: string; runtimeVersion: string }>('VersionResponse', {
  runtimeName: field(2, 'string'),
  runtimeVersion: field(3, 'string'),
});

interface WireCondition {
  type: string;
  status: boolean;
  reason: string;
  message: string;
}
const condition = message<WireCondition>('RuntimeCondition', {
  type: field(1, 'string'),
  status: field(2, 'bool'),
  reason: field(3, 'string'),
  message: field(4, 'string'),
});
const runtimeStatus = message<{ conditions: WireCondition[] }>('RuntimeStatus', { conditions: repeated(1, condition) });
export const statusResponse = message<{ status: { conditions: WireCondition[] } | undefined }>('StatusResponse', {
  status: field(1, runtimeStatus),
});

const networkConfig = message<{ podCidr: string }>('NetworkConfig', { podCidr: field(1, 'string') });
const runtimeConfig = message<{ networkConfig: { podCidr: string } }>('RuntimeConfig', {
  networkConfig: field(1, networkConfig),
});
export const updateRuntimeConfigRequest = message<{ runtimeConfig: { networkConfig: { podCidr: string } } }>(
  'UpdateRuntimeConfigRequest',
  { runtimeConfig: field(1, runtimeConfig) },
);

const linuxRuntime = message<{ cgroupDriver: number }>('LinuxRuntimeConfiguration', {
  cgroupDriver: field(1, 'int32'),
});
export const runtimeConfigResponse = message<{ linux: { cgroupDriver: number } | undefined }>('RuntimeConfigResponse', {
  linux: field(1, linuxRuntime),
});

export const runSandboxRequest = message<{ config: SandboxConfig; runtimeHandler: string }>('RunPodSandboxRequest', {
  config: field(1, sandboxConfigMessage),
  runtimeHandler: field(2, 'string'),
});

export interface WireSandbox {
  id: string;
  metadata: SandboxMetadata | undefined;
  state: number;
  createdAt: bigint;
  labels: Labels;
  annotations: Labels;
}
const sandbox = message<WireSandbox>('PodSandbox', {
  id: field(1, 'string'),
  metadata: field(2, sandboxMetadataMessage),
  state: field(3, 'int32'),
  createdAt: field(4, 'bigint64'),
  labels: map(5, 'string', 'string'),
  annotations: map(6, 'string', 'string'),
});
interface SandboxFilter {
  id: string;
  labelSelector: Labels;
}
const sandboxFilter = message<SandboxFilter>('PodSandboxFilter', {
  id: field(1, 'string'),
  labelSelector: map(3, 'string', 'string'),
});
export const listSandboxRequest = message<{ filter: SandboxFilter }>('ListPodSandboxRequest', {
  filter: field(1, sandboxFilter),
});
export const listSandboxResponse = message<{ items: WireSandbox[] }>('ListPodSandboxResponse', {
  items: repeated(1, sandbox),
});

interface WireNetwork {
  ip: string;
  additionalIps: { ip: string }[];
}
const podIp = message<{ ip: string }>('PodIP', { ip: field(1, 'string') });
const network = message<WireNetwork>('PodSandboxNetworkStatus', {
  ip: field(1, 'string'),
  additionalIps: repeated(2, podIp),
});
interface WireNamespaces {
  options: NamespaceOption | undefined;
}
const namespaces = message<WireNamespaces>('Namespace', { options: field(2, namespaceOptionMessage) });
const linuxStatus = message<{ namespaces: WireNamespaces | undefined }>('LinuxPodSandboxStatus', {
  namespaces: field(1, namespaces),
});
export interface WireSandboxStatus extends WireSandbox {
  network: WireNetwork | undefined;
  linux: { namespaces: WireNamespaces | undefined } | undefined;
}
const sandboxStatus = message<WireSandboxStatus>('PodSandboxStatus', {
  id: field(1, 'string'),
  metadata: field(2, sandboxMetadataMessage),
  state: field(3, 'int32'),
  createdAt: field(4, 'bigint64'),
  network: field(5, network),
  linux: field(6, linuxStatus),
  labels: map(7, 'string', 'string'),
  annotations: map(8, 'string', 'string'),
});
export const sandboxStatusResponse = message<{ status: WireSandboxStatus | undefined }>('PodSandboxStatusResponse', {
  status: field(1, sandboxStatus),
});

export interface CreateContainerRequest {
  sandboxId: string;
  config: ContainerConfig;
  sandboxConfig: SandboxConfig;
}
export const createContainerRequest = message<CreateContainerRequest>('CreateContainerRequest', {
  sandboxId: field(1, 'string'),
  config: field(2, containerConfigMessage),
  sandboxConfig: field(3, sandboxConfigMessage),
});
export const stopContainerRequest = message<{ id: string; timeout: number }>('StopContainerRequest', {
  id: field(1, 'string'),
  timeout: field(2, 'int64'),
});

export interface WireContainer {
  id: string;
  sandboxId: string;
  metadata: { name: string; attempt: number } | undefined;
  image: ImageSpec | undefined;
  imageRef: string;
  state: number;
  createdAt: bigint;
  labels: Labels;
  annotations: Labels;
}
const container = message<WireContainer>('Container', {
  id: field(1, 'string'),
  sandboxId: field(2, 'string'),
  metadata: field(3, containerMetadataMessage),
  image: field(4, imageSpecMessage),
  imageRef: field(5, 'string'),
  state: field(6, 'int32'),
  createdAt: field(7, 'bigint64'),
  labels: map(8, 'string', 'string'),
  annotations: map(9, 'string', 'string'),
});
interface WireContainerFilter {
  id: string;
  sandboxId: string;
  labelSelector: Labels;
}
const containerFilter = message<WireContainerFilter>('ContainerFilter', {
  id: field(1, 'string'),
  sandboxId: field(3, 'string'),
  labelSelector: map(4, 'string', 'string'),
});
export const listContainersRequest = message<{ filter: WireContainerFilter }>('ListContainersRequest', {
  filter: field(1, containerFilter),
});
export const listContainersResponse = message<{ containers: WireContainer[] }>('ListContainersResponse', {
  containers: repeated(1, container),
});

interface WireUser {
  uid: number;
  gid: number;
  supplementalGroups: number[];
}
const linuxUser = message<WireUser>('LinuxContainerUser', {
  uid: field(1, 'int64'),
  gid: field(2, 'int64'),
  supplementalGroups: repeated(3, 'int64'),
});
const containerUser = message<{ linux: WireUser | undefined }>('ContainerUser', { linux: field(1, linuxUser) });
const containerResources = message<{ linux: LinuxResources | undefined }>('ContainerResources', {
  linux: field(1, linuxResourcesMessage),
});
export interface WireContainerStatus extends Omit<WireContainer, 'sandboxId'> {
  startedAt: bigint;
  finishedAt: bigint;
  exitCode: number;
  reason: string;
  message: string;
  mounts: CriMount[];
  logPath: string;
  resources: { linux: LinuxResources | undefined } | undefined;
  user: { linux: WireUser | undefined } | undefined;
}
const containerStatus = message<WireContainerStatus>('ContainerStatus', {
  id: field(1, 'string'),
  metadata: field(2, containerMetadataMessage),
  state: field(3, 'int32'),
  createdAt: field(4, 'bigint64'),
  startedAt: field(5, 'bigint64'),
  finishedAt: field(6, 'bigint64'),
  exitCode: field(7, 'int32'),
  image: field(8, imageSpecMessage),
  imageRef: field(9, 'string'),
  reason: field(10, 'string'),
  message: field(11, 'string'),
  labels: map(12, 'string', 'string'),
  annotations: map(13, 'string', 'string'),
  mounts: repeated(14, mountMessage),
  logPath: field(15, 'string'),
  resources: field(16, containerResources),
  user: field(18, containerUser),
});
export const containerStatusResponse = message<{ status: WireContainerStatus | undefined }>('ContainerStatusResponse', {
  status: field(1, containerStatus),
});

export const updateResourcesRequest = message<{ id: string; linux: LinuxResources }>(
  'UpdateContainerResourcesRequest',
  { id: field(1, 'string'), linux: field(2, linuxResourcesMessage) },
);

export const execSyncRequest = message<{ id: string; cmd: string[]; timeout: number }>('ExecSyncRequest', {
  id: field(1, 'string'),
  cmd: repeated(2, 'string'),
  timeout: field(3, 'int64'),
});
export const execSyncResponse = message<{ stdout: Buffer; stderr: Buffer; exitCode: number }>('ExecSyncResponse', {
  stdout: field(1, 'bytes'),
  stderr: field(2, 'bytes'),
  exitCode: field(3, 'int32'),
});
interface WireStreams {
  id: string;
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}
export const execRequest = message<WireStreams & { cmd: string[] }>('ExecRequest', {
  id: field(1, 'string'),
  cmd: repeated(2, 'string'),
  tty: field(3, 'bool'),
  stdin: field(4, 'bool'),
  stdout: field(5, 'bool'),
  stderr: field(6, 'bool'),
});
export const attachRequest = message<WireStreams>('AttachRequest', {
  id: field(1, 'string'),
  stdin: field(2, 'bool'),
  tty: field(3, 'bool'),
  stdout: field(4, 'bool'),
  stderr: field(5, 'bool'),
});
export const portForwardRequest = message<{ id: string; port: number[] }>('PortForwardRequest', {
  id: field(1, 'string'),
  port: repeated(2, 'int32'),
});
export const urlResponse = message<{ url: string }>('UrlResponse', { url: field(1, 'string') });

export interface WireEvent {
  containerId: string;
  type: number;
  sandbox: WireSandboxStatus | undefined;
}
export const eventResponse = message<WireEvent>('ContainerEventResponse', {
  containerId: field(1, 'string'),
  type: field(2, 'int32'),
  sandbox: field(4, sandboxStatus),
});
