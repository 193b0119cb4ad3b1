import type {
  ContainerEvent,
  ContainerFilter,
  ContainerStats,
  ExecSyncResult,
  Runtime,
  RuntimeCondition,
  RuntimeContainer,
  RuntimeContainerStatus,
  RuntimeVersion,
  Sandbox,
  SandboxStats,
  SandboxStatus,
  StreamChoice,
} from './cri.ts';
import { callCri, criError, POD_UID_LABEL, RUNTIME_TIMEOUT_MS } from './cri-call.ts';
import type { ContainerConfig, LinuxResources, SandboxConfig } from './cri-config.ts';
import * as wire from './cri-messages.ts';
import { readContainer, readContainerStatus, readEvent, readSandbox, readSandboxStatus } from './cri-read.ts';
import * as stats from './cri-stats.ts';
import type { GrpcChannel } from '../grpc/grpc-channel.ts';
import { grpcMethod } from '../grpc/grpc-method.ts';
import type { MessageType } from '../protobuf.ts';

/** A sandbox may wait for CNI and for the pause image: upstream gives it twice the usual time. */
const SANDBOX_TIMEOUT_MS = 2 * RUNTIME_TIMEOUT_MS;
/** What the runtime may take beyond the container's own grace. */
const STOP_MARGIN_MS = RUNTIME_TIMEOUT_MS;

/** CgroupDriver of the CRI; SYSTEMD is 0. */
const CGROUPFS = 1;

/** The container runtime behind a CRI v1 socket: containerd or CRI-O. */
export class CriRuntime implements Runtime {
  readonly #channel: GrpcChannel;

  /** @param channel to `unix:///run/containerd/containerd.sock`; its owner closes it */
  constructor(channel: GrpcChannel) {
    this.#channel = channel;
  }

  async version(signal: AbortSignal): Promise<RuntimeVersion> {
    const request = { version: '0.1.0' };
    const answer = await this.#call('Version', wire.versionRequest, wire.versionResponse, request, signal);
    return { name: answer.runtimeName, version: answer.runtimeVersion };
  }

  async conditions(signal: AbortSignal): Promise<readonly RuntimeCondition[]> {
    const answer = await this.#call('Status', wire.empty, wire.statusResponse, {}, signal);
    return answer.status?.conditions ?? [];
  }

  async cgroupDriver(signal: AbortSignal): Promise<'cgroupfs' | 'systemd' | undefined> {
    const { linux } = await this.#call('RuntimeConfig', wire.empty, wire.runtimeConfigResponse, {}, signal);
    if (linux === undefined) return undefined;
    return linux.cgroupDriver === CGROUPFS ? 'cgroupfs' : 'systemd';
  }

  async updatePodCidr(podCidr: string, signal: AbortSignal): Promise<void> {
    const request = { runtimeConfig: { networkConfig: { podCidr } } };
    await this.#call('UpdateRuntimeConfig', wire.updateRuntimeConfigRequest, wire.empty, request, signal);
  }

  async runSandbox(config: SandboxConfig, runtimeHandler: string, signal: AbortSignal): Promise<string> {
    const method = { name: 'RuntimeService/RunPodSandbox', request: wire.runSandboxRequest, response: wire.idMessage };
    const answer = await callCri(this.#channel, method, { config, runtimeHandler }, signal, SANDBOX_TIMEOUT_MS);
    return answer.id;
  }

  async stopSandbox(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('StopPodSandbox', wire.idMessage, wire.empty, { id }, signal);
  }

  async removeSandbox(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('RemovePodSandbox', wire.idMessage, wire.empty, { id }, signal);
  }

  async sandboxStatus(id: string, signal: AbortSignal): Promise<SandboxStatus> {
    const answer = await this.#call('PodSandboxStatus', wire.idMessage, wire.sandboxStatusResponse, { id }, signal);
    return readSandboxStatus(answer.status, id);
  }

  async listSandboxes(signal: AbortSignal, podUid?: string): Promise<readonly Sandbox[]> {
    const labelSelector: Record<string, string> = podUid === undefined ? {} : { [POD_UID_LABEL]: podUid };
    const request = { filter: { id: '', labelSelector } };
    const answer = await this.#call(
      'ListPodSandbox',
      wire.listSandboxRequest,
      wire.listSandboxResponse,
      request,
      signal,
    );
    return answer.items.map(readSandbox);
  }

  async createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandboxConfig: SandboxConfig,
    signal: AbortSignal,
  ): Promise<string> {
    const request = { sandboxId, config, sandboxConfig };
    const answer = await this.#call('CreateContainer', wire.createContainerRequest, wire.idMessage, request, signal);
    return answer.id;
  }

  async startContainer(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('StartContainer', wire.idMessage, wire.empty, { id }, signal);
  }

  async stopContainer(id: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const method = {
      name: 'RuntimeService/StopContainer',
      request: wire.stopContainerRequest,
      response: wire.empty,
    };
    const timeoutMs = graceSeconds * 1000 + STOP_MARGIN_MS;
    await callCri(this.#channel, method, { id, timeout: graceSeconds }, signal, timeoutMs);
  }

  async removeContainer(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('RemoveContainer', wire.idMessage, wire.empty, { id }, signal);
  }

  async listContainers(filter: ContainerFilter, signal: AbortSignal): Promise<readonly RuntimeContainer[]> {
    const request = { filter: { id: '', sandboxId: filter.sandboxId ?? '', labelSelector: { ...filter.labels } } };
    const answer = await this.#call(
      'ListContainers',
      wire.listContainersRequest,
      wire.listContainersResponse,
      request,
      signal,
    );
    return answer.containers.map(readContainer);
  }

  async containerStatus(id: string, signal: AbortSignal): Promise<RuntimeContainerStatus> {
    const answer = await this.#call('ContainerStatus', wire.idMessage, wire.containerStatusResponse, { id }, signal);
    return readContainerStatus(answer.status, id);
  }

  async updateContainerResources(id: string, resources: LinuxResources, signal: AbortSignal): Promise<void> {
    const request = { id, linux: resources };
    await this.#call('UpdateContainerResources', wire.updateResourcesRequest, wire.empty, request, signal);
  }

  async reopenContainerLog(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('ReopenContainerLog', wire.idMessage, wire.empty, { id }, signal);
  }

  async execSync(
    id: string,
    command: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ExecSyncResult> {
    const method = { name: 'RuntimeService/ExecSync', request: wire.execSyncRequest, response: wire.execSyncResponse };
    const request = { id, cmd: [...command], timeout: Math.ceil(timeoutMs / 1000) };
    const limitMs = timeoutMs === 0 ? 0 : timeoutMs + RUNTIME_TIMEOUT_MS;
    const answer = await callCri(this.#channel, method, request, signal, limitMs);
    return { exitCode: answer.exitCode, stdout: Buffer.from(answer.stdout), stderr: Buffer.from(answer.stderr) };
  }

  async exec(id: string, command: readonly string[], streams: StreamChoice, signal: AbortSignal): Promise<string> {
    const request = { id, cmd: [...command], ...streams };
    return (await this.#call('Exec', wire.execRequest, wire.urlResponse, request, signal)).url;
  }

  async attach(id: string, streams: StreamChoice, signal: AbortSignal): Promise<string> {
    return (await this.#call('Attach', wire.attachRequest, wire.urlResponse, { id, ...streams }, signal)).url;
  }

  async portForward(sandboxId: string, ports: readonly number[], signal: AbortSignal): Promise<string> {
    const request = { id: sandboxId, port: [...ports] };
    return (await this.#call('PortForward', wire.portForwardRequest, wire.urlResponse, request, signal)).url;
  }

  async containerStats(id: string, signal: AbortSignal): Promise<ContainerStats> {
    const answer = await this.#call('ContainerStats', wire.idMessage, stats.containerStatsResponse, { id }, signal);
    return stats.readContainerStats(answer.stats ?? NO_STATS);
  }

  async listContainerStats(filter: ContainerFilter, signal: AbortSignal): Promise<readonly ContainerStats[]> {
    const request = { filter: { sandboxId: filter.sandboxId ?? '', labelSelector: { ...filter.labels } } };
    const answer = await this.#call(
      'ListContainerStats',
      stats.listContainerStatsRequest,
      stats.listContainerStatsResponse,
      request,
      signal,
    );
    return answer.stats.map(stats.readContainerStats);
  }

  async sandboxStats(id: string, signal: AbortSignal): Promise<SandboxStats> {
    const answer = await this.#call('PodSandboxStats', wire.idMessage, stats.sandboxStatsResponse, { id }, signal);
    return stats.readSandboxStats(answer.stats ?? { attributes: undefined, linux: undefined });
  }

  async *events(signal: AbortSignal): AsyncGenerator<ContainerEvent, void> {
    const method = grpcMethod('/runtime.v1.RuntimeService/GetContainerEvents', wire.empty, wire.eventResponse);
    try {
      for await (const event of this.#channel.serverStream(method, {}, { signal })) yield readEvent(event);
    } catch (error) {
      throw criError(error);
    }
  }

  async #call<Req, Res>(
    name: string,
    request: MessageType<Req>,
    response: MessageType<Res>,
    body: Partial<Req>,
    signal: AbortSignal,
  ): Promise<Res> {
    return callCri(this.#channel, { name: `RuntimeService/${name}`, request, response }, body, signal);
  }
}

const NO_STATS: stats.WireContainerStats = {
  attributes: undefined,
  cpu: undefined,
  memory: undefined,
  writableLayer: undefined,
};
