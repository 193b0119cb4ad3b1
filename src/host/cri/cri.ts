import type { ContainerConfig, LinuxResources, SandboxConfig, SandboxMetadata } from './cri-config.ts';

/** The Container Runtime Interface (CRI v1) as the kubelet uses it. Times are milliseconds since 1970, 0 when unset. */

/** A pod's sandbox: its namespaces and network. */
export interface Sandbox {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly state: 'ready' | 'notready';
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface SandboxStatus extends Sandbox {
  /** Empty on the host's network, and once stopped. */
  readonly ips: readonly string[];
  readonly isHostNetwork: boolean;
}

export type RuntimeContainerState = 'created' | 'running' | 'exited' | 'unknown';

/** A container as lists have it. */
export interface RuntimeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  /** Counts the containers made for one name in one pod: the restart count. */
  readonly attempt: number;
  readonly state: RuntimeContainerState;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** What was asked for. */
  readonly image: string;
  /** The runtime's id of what runs. */
  readonly imageRef: string;
}

export interface RuntimeContainerStatus extends Omit<RuntimeContainer, 'sandboxId'> {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  /** `Completed`, `Error`, `OOMKilled`, as the runtime says. */
  readonly reason: string;
  readonly message: string;
  readonly logPath: string;
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string }[];
  /** What the runtime enforces; undefined when it does not say. */
  readonly resources: LinuxResources | undefined;
  readonly user:
    | { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] }
    | undefined;
}

export interface ContainerFilter {
  readonly sandboxId?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ExecSyncResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Which streams of a process are wanted. */
export interface StreamChoice {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Numbers of one container or sandbox; undefined where the runtime does not measure. */
export interface UsageStats {
  readonly timestampMs: number;
  /** CPU time used since the start, in nanoseconds. */
  readonly cpuNanoseconds: number | undefined;
  readonly memoryWorkingSetBytes: number | undefined;
  readonly memoryUsageBytes: number | undefined;
  readonly memoryRssBytes: number | undefined;
  readonly memoryAvailableBytes: number | undefined;
  readonly pageFaults: number | undefined;
  readonly majorPageFaults: number | undefined;
}

export interface ContainerStats extends UsageStats {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the writable layer. */
  readonly writableBytes: number | undefined;
  readonly writableInodes: number | undefined;
}

export interface InterfaceStats {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

export interface SandboxStats extends UsageStats {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly interfaces: readonly InterfaceStats[];
  readonly processCount: number | undefined;
  readonly containers: readonly ContainerStats[];
}

export interface RuntimeCondition {
  /** `RuntimeReady`, `NetworkReady`. */
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface RuntimeVersion {
  /** `containerd`. */
  readonly name: string;
  readonly version: string;
}

/** A container was created, started, stopped or deleted; also of sandboxes, whose id it then is. */
export interface ContainerEvent {
  readonly containerId: string;
  readonly type: 'created' | 'started' | 'stopped' | 'deleted';
  /** Of the pod, where the runtime says. */
  readonly podUid: string;
}

/**
 * The RuntimeService. Stopping and removing what is stopped or gone already is no error.
 *
 * @throws StatusError NotFound (no such sandbox or container), AlreadyExists (a reserved name), Timeout,
 * ServiceUnavailable (no runtime), MethodNotAllowed (the runtime is too old), InternalError; the message is Go's
 * `rpc error: code = NotFound desc = ...`, as users know it from Events
 */
export interface Runtime {
  version(signal: AbortSignal): Promise<RuntimeVersion>;
  conditions(signal: AbortSignal): Promise<readonly RuntimeCondition[]>;
  /** How it names cgroups (KEP-4033). @throws StatusError MethodNotAllowed: containerd before 2.0 does not say */
  cgroupDriver(signal: AbortSignal): Promise<'cgroupfs' | 'systemd' | undefined>;
  /** Tells the runtime the board's pod CIDR. */
  updatePodCidr(podCidr: string, signal: AbortSignal): Promise<void>;

  /** @returns the sandbox's id, ready and with its network */
  runSandbox(config: SandboxConfig, runtimeHandler: string, signal: AbortSignal): Promise<string>;
  stopSandbox(id: string, signal: AbortSignal): Promise<void>;
  removeSandbox(id: string, signal: AbortSignal): Promise<void>;
  sandboxStatus(id: string, signal: AbortSignal): Promise<SandboxStatus>;
  listSandboxes(signal: AbortSignal, podUid?: string): Promise<readonly Sandbox[]>;

  createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandboxConfig: SandboxConfig,
    signal: AbortSignal,
  ): Promise<string>;
  startContainer(id: string, signal: AbortSignal): Promise<void>;
  /** SIGTERM (or the image's stop signal), then SIGKILL after `graceSeconds`. */
  stopContainer(id: string, graceSeconds: number, signal: AbortSignal): Promise<void>;
  removeContainer(id: string, signal: AbortSignal): Promise<void>;
  listContainers(filter: ContainerFilter, signal: AbortSignal): Promise<readonly RuntimeContainer[]>;
  containerStatus(id: string, signal: AbortSignal): Promise<RuntimeContainerStatus>;
  updateContainerResources(id: string, resources: LinuxResources, signal: AbortSignal): Promise<void>;
  /** After the log file was renamed: makes the runtime write to a new one. */
  reopenContainerLog(id: string, signal: AbortSignal): Promise<void>;

  /** @param timeoutMs 0: none. @throws StatusError Timeout when the command was killed for its time */
  execSync(id: string, command: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<ExecSyncResult>;
  /** URL of the runtime's streaming server, good for one connection within a minute. */
  exec(id: string, command: readonly string[], streams: StreamChoice, signal: AbortSignal): Promise<string>;
  attach(id: string, streams: StreamChoice, signal: AbortSignal): Promise<string>;
  portForward(sandboxId: string, ports: readonly number[], signal: AbortSignal): Promise<string>;

  containerStats(id: string, signal: AbortSignal): Promise<ContainerStats>;
  listContainerStats(filter: ContainerFilter, signal: AbortSignal): Promise<readonly ContainerStats[]>;
  sandboxStats(id: string, signal: AbortSignal): Promise<SandboxStats>;
  /** Events from now on. @throws StatusError MethodNotAllowed: containerd before 1.7 has none */
  events(signal: AbortSignal): AsyncIterable<ContainerEvent>;
}

/** An image on the board. */
export interface RuntimeImage {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly sizeBytes: number;
  /** The user it runs as: a number or a name; both undefined is root. */
  readonly uid: number | undefined;
  readonly username: string;
  readonly isPinned: boolean;
}

/** Credentials for one registry. */
export interface PullAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly serverAddress?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

export interface FilesystemUsage {
  readonly mountpoint: string;
  readonly usedBytes: number;
  readonly usedInodes: number;
}

/** The ImageService. Failures as of Runtime. */
export interface Images {
  list(signal: AbortSignal): Promise<readonly RuntimeImage[]>;
  /** Undefined when the board does not have it. */
  status(image: string, signal: AbortSignal): Promise<RuntimeImage | undefined>;
  /** @returns the reference to run it by */
  pull(
    image: string,
    auth: PullAuth | undefined,
    sandbox: SandboxConfig | undefined,
    signal: AbortSignal,
  ): Promise<string>;
  remove(image: string, signal: AbortSignal): Promise<void>;
  filesystems(signal: AbortSignal): Promise<readonly FilesystemUsage[]>;
}
