import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { notFound, StatusError } from '../../src/api/status.ts';
import type { Clock } from '../../src/host/clock.ts';
import type {
  ContainerEvent,
  ContainerFilter,
  ContainerStats,
  ExecSyncResult,
  FilesystemUsage,
  Images,
  PullAuth,
  Runtime,
  RuntimeCondition,
  RuntimeContainer,
  RuntimeContainerStatus,
  RuntimeImage,
  RuntimeVersion,
  Sandbox,
  SandboxStats,
  SandboxStatus,
  StreamChoice,
} from '../../src/host/cri/cri.ts';
import { NAMESPACE_MODE } from '../../src/host/cri/cri-config.ts';
import type { ContainerConfig, LinuxResources, SandboxConfig } from '../../src/host/cri/cri-config.ts';

/** What runs in a container of the fake. */
export interface FakeProcess {
  /** Settles when it has ended. */
  readonly ended: Promise<{ readonly exitCode: number; readonly output: string }>;
  /** @returns nothing; a process may ignore SIGTERM */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  exec(command: readonly string[], timeoutMs: number): Promise<ExecSyncResult>;
}

/** Makes a container's process from its config. */
export type Launcher = (config: ContainerConfig, logPath: string) => FakeProcess;

interface FakeSandbox {
  readonly config: SandboxConfig;
  status: SandboxStatus;
}

interface FakeContainer {
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  status: RuntimeContainerStatus;
  process: FakeProcess | undefined;
}

/** A container runtime in memory, held to test/contract/cri.contract.ts as containerd is. */
export class FakeRuntime implements Runtime {
  /** Each call's name and id, oldest first. */
  readonly calls: string[] = [];
  /** Runs before each call; what it throws, the caller gets. */
  onCall: (name: string, id: string) => void | Promise<void> = () => undefined;
  conditionsNow: RuntimeCondition[] = [
    { type: 'RuntimeReady', status: true, reason: '', message: '' },
    { type: 'NetworkReady', status: true, reason: '', message: '' },
  ];
  readonly #sandboxes = new Map<string, FakeSandbox>();
  readonly #containers = new Map<string, FakeContainer>();
  readonly #listeners = new Set<(event: ContainerEvent) => void>();
  readonly #clock: Clock;
  readonly #launch: Launcher;
  #addresses = 1;

  constructor(clock: Clock, launch: Launcher) {
    this.#clock = clock;
    this.#launch = launch;
  }

  /** Ids of the containers that run. */
  running(): readonly string[] {
    return [...this.#containers.values()]
      .filter(({ status }) => status.state === 'running')
      .map(({ status }) => status.id);
  }

  /** As after a pulled plug: nothing runs, everything is remembered. */
  async crash(): Promise<void> {
    for (const { process } of this.#containers.values()) process?.kill('SIGKILL');
    for (const sandbox of this.#sandboxes.values()) sandbox.status = { ...sandbox.status, state: 'notready', ips: [] };
    await sleep(0);
  }

  async version(): Promise<RuntimeVersion> {
    return { name: 'containerd', version: '1.7.24' };
  }

  async conditions(): Promise<readonly RuntimeCondition[]> {
    return this.conditionsNow;
  }

  async cgroupDriver(): Promise<undefined> {
    await this.#called('cgroupDriver', '');
  }

  async updatePodCidr(): Promise<void> {
    await this.#called('updatePodCidr', '');
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    await this.#called('runSandbox', config.metadata.name);
    const name = nameOf(config);
    for (const [id, other] of this.#sandboxes)
      if (nameOf(other.config) === name)
        throw new StatusError(
          'AlreadyExists',
          `failed to reserve sandbox name "${name}": name "${name}" is reserved for "${id}"`,
        );
    const id = newId();
    const isHostNetwork = config.linux.securityContext.namespaceOptions?.network === NAMESPACE_MODE.node;
    const ips = isHostNetwork ? [] : [`10.244.0.${(this.#addresses += 1)}`];
    const { metadata, labels, annotations } = config;
    const status: SandboxStatus = {
      id,
      metadata,
      labels,
      annotations,
      state: 'ready',
      createdAtMs: this.#clock.nowMs(),
      isHostNetwork,
      ips,
    };
    this.#sandboxes.set(id, { config, status });
    this.#tell(id, 'started', config);
    return id;
  }

  async stopSandbox(id: string): Promise<void> {
    await this.#called('stopSandbox', id);
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) return;
    for (const container of this.#of(id)) await this.#kill(container);
    sandbox.status = { ...sandbox.status, state: 'notready', ips: [] };
    this.#tell(id, 'stopped', sandbox.config);
  }

  async removeSandbox(id: string): Promise<void> {
    await this.stopSandbox(id);
    for (const { status } of this.#of(id)) this.#containers.delete(status.id);
    this.#sandboxes.delete(id);
  }

  async sandboxStatus(id: string): Promise<SandboxStatus> {
    return this.#sandbox(id).status;
  }

  async listSandboxes(_signal: AbortSignal, podUid?: string): Promise<readonly Sandbox[]> {
    const all = [...this.#sandboxes.values()].map(({ status }) => status);
    return podUid === undefined ? all : all.filter(({ labels }) => labels['io.kubernetes.pod.uid'] === podUid);
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    await this.#called('createContainer', config.metadata.name);
    const sandbox = this.#sandbox(sandboxId);
    const id = newId();
    const status: RuntimeContainerStatus = {
      id,
      name: config.metadata.name,
      attempt: config.metadata.attempt,
      state: 'created',
      createdAtMs: this.#clock.nowMs(),
      labels: config.labels,
      annotations: config.annotations,
      image: config.image.userSpecifiedImage ?? config.image.image,
      imageRef: config.image.image,
      startedAtMs: 0,
      finishedAtMs: 0,
      exitCode: 0,
      reason: '',
      message: '',
      logPath: join(sandbox.config.logDirectory, config.logPath),
      mounts: config.mounts,
      resources: config.linux.resources,
      user: undefined,
    };
    this.#containers.set(id, { sandboxId, config, status, process: undefined });
    this.#tell(id, 'created', sandbox.config);
    return id;
  }

  async startContainer(id: string): Promise<void> {
    await this.#called('startContainer', id);
    const container = this.#container(id);
    const { logPath } = container.status;
    await mkdir(dirname(logPath), { recursive: true });
    await writeFile(logPath, '', { flag: 'a' });
    container.status = { ...container.status, state: 'running', startedAtMs: this.#clock.nowMs() };
    const process = this.#launch(container.config, logPath);
    container.process = process;
    this.#tell(id, 'started', this.#sandbox(container.sandboxId).config);
    void this.#watch(container, process);
  }

  async #watch(container: FakeContainer, process: FakeProcess): Promise<void> {
    const { exitCode } = await process.ended;
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    const finishedAtMs = this.#clock.nowMs();
    container.status = { ...container.status, state: 'exited', exitCode, reason, finishedAtMs };
    const sandbox = this.#sandboxes.get(container.sandboxId);
    if (sandbox !== undefined) this.#tell(container.status.id, 'stopped', sandbox.config);
  }

  async stopContainer(id: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    await this.#called('stopContainer', id);
    const container = this.#container(id);
    const { process } = container;
    if (process === undefined || container.status.state !== 'running') return;
    process.kill('SIGTERM');
    const stop = new AbortController();
    const grace = this.#clock.sleepMs(graceSeconds * 1000, AbortSignal.any([signal, stop.signal]));
    await Promise.race([process.ended, grace.catch(() => undefined)]);
    stop.abort();
    await this.#kill(container);
  }

  async removeContainer(id: string): Promise<void> {
    await this.#called('removeContainer', id);
    const container = this.#containers.get(id);
    if (container === undefined) return;
    await this.#kill(container);
    this.#containers.delete(id);
  }

  async listContainers({ sandboxId, labels }: ContainerFilter): Promise<readonly RuntimeContainer[]> {
    return [...this.#containers.values()]
      .filter((one) => sandboxId === undefined || one.sandboxId === sandboxId)
      .filter(({ status }) => Object.entries(labels ?? {}).every(([key, value]) => status.labels[key] === value))
      .map(({ status, sandboxId }) => ({ ...status, sandboxId }));
  }

  async containerStatus(id: string): Promise<RuntimeContainerStatus> {
    return this.#container(id).status;
  }

  async updateContainerResources(id: string, resources: LinuxResources): Promise<void> {
    const container = this.#container(id);
    container.status = { ...container.status, resources };
  }

  async reopenContainerLog(id: string): Promise<void> {
    await writeFile(this.#container(id).status.logPath, '');
  }

  async execSync(id: string, command: readonly string[], timeoutMs: number): Promise<ExecSyncResult> {
    await this.#called('execSync', id);
    const { process } = this.#container(id);
    if (process === undefined) throw new StatusError('InternalError', `container ${id} does not run`);
    return process.exec(command, timeoutMs);
  }

  async exec(id: string, _command: readonly string[], _streams: StreamChoice): Promise<string> {
    return `http://127.0.0.1:1/exec/${this.#container(id).status.id}`;
  }

  async attach(id: string): Promise<string> {
    return `http://127.0.0.1:1/attach/${this.#container(id).status.id}`;
  }

  async portForward(sandboxId: string): Promise<string> {
    return `http://127.0.0.1:1/portforward/${this.#sandbox(sandboxId).status.id}`;
  }

  async containerStats(id: string): Promise<ContainerStats> {
    const { status } = this.#container(id);
    const { name, attempt, labels } = status;
    const timestampMs = this.#clock.nowMs();
    return { ...NO_USAGE, timestampMs, id, name, attempt, labels, writableBytes: 0, writableInodes: 0 };
  }

  async listContainerStats(filter: ContainerFilter): Promise<readonly ContainerStats[]> {
    const running = (await this.listContainers(filter)).filter(({ state }) => state === 'running');
    return Promise.all(running.map(async ({ id }) => this.containerStats(id)));
  }

  async sandboxStats(id: string): Promise<SandboxStats> {
    const { metadata } = this.#sandbox(id).status;
    const timestampMs = this.#clock.nowMs();
    return { ...NO_USAGE, timestampMs, id, metadata, interfaces: [], processCount: 1, containers: [] };
  }

  async *events(signal: AbortSignal): AsyncGenerator<ContainerEvent, void> {
    const queue: ContainerEvent[] = [];
    let wake: () => void = () => undefined;
    const listener = (event: ContainerEvent): void => {
      queue.push(event);
      wake();
    };
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        const next = queue.shift();
        if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else yield next;
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }

  async #called(name: string, id: string): Promise<void> {
    this.calls.push(id === '' ? name : `${name} ${id}`);
    await this.onCall(name, id);
  }

  #sandbox(id: string): FakeSandbox {
    const found = this.#sandboxes.get(id);
    if (found === undefined) throw notFound('sandbox', id);
    return found;
  }

  #container(id: string): FakeContainer {
    const found = this.#containers.get(id);
    if (found === undefined) throw notFound('container', id);
    return found;
  }

  #of(sandboxId: string): readonly FakeContainer[] {
    return [...this.#containers.values()].filter((one) => one.sandboxId === sandboxId);
  }

  async #kill(container: FakeContainer): Promise<void> {
    if (container.status.state !== 'running') return;
    container.process?.kill('SIGKILL');
    await container.process?.ended;
    await sleep(0);
  }

  #tell(containerId: string, type: ContainerEvent['type'], config: SandboxConfig): void {
    for (const listener of this.#listeners) listener({ containerId, type, podUid: config.metadata.uid });
  }
}

/** Images that are there from the start, and those that a pull brings. */
export class FakeImages implements Images {
  readonly pulls: string[] = [];
  /** Runs before a pull; what it throws, the caller gets. */
  onPull: (image: string, auth: PullAuth | undefined) => void | Promise<void> = () => undefined;
  readonly #images = new Map<string, RuntimeImage>();

  constructor(...present: readonly string[]) {
    for (const name of present) this.#images.set(name, imageOf(name));
  }

  async list(): Promise<readonly RuntimeImage[]> {
    return [...this.#images.values()];
  }

  async status(image: string): Promise<RuntimeImage | undefined> {
    return this.#images.get(image) ?? [...this.#images.values()].find(({ id }) => id === image);
  }

  async pull(image: string, auth: PullAuth | undefined): Promise<string> {
    this.pulls.push(image);
    await this.onPull(image, auth);
    const made = imageOf(image);
    this.#images.set(image, made);
    return made.id;
  }

  async remove(image: string): Promise<void> {
    for (const [name, { id }] of this.#images) if (name === image || id === image) this.#images.delete(name);
  }

  async filesystems(): Promise<readonly FilesystemUsage[]> {
    return [{ mountpoint: '/var/lib/containerd', usedBytes: 1 << 20, usedInodes: 100 }];
  }
}

function imageOf(name: string): RuntimeImage {
  const id = `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)}`;
  const base = { repoTags: [name], repoDigests: [], sizeBytes: 1 << 20, uid: 0, username: '', isPinned: false };
  return { id, ...base };
}

const NO_USAGE = {
  cpuNanoseconds: 0,
  memoryWorkingSetBytes: 1,
  memoryUsageBytes: 1,
  memoryRssBytes: 1,
  memoryAvailableBytes: undefined,
  pageFaults: 0,
  majorPageFaults: 0,
};

function nameOf({ metadata }: SandboxConfig): string {
  return `${metadata.name}_${metadata.namespace}_${metadata.uid}_${metadata.attempt}`;
}

function newId(): string {
  return randomBytes(32).toString('hex');
}
