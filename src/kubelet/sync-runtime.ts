import { mkdir, writeFile } from 'node:fs/promises';
import type { Container, Pod, Secret } from '../api/objects.ts';
import { readFileIfThere } from '../host/file.ts';
import { goSeconds } from './go-duration.ts';
import type { StartFailure } from './status/container-statuses.ts';
import { hostsFile } from './sandbox/hosts-file.ts';
import { hostsPath, podDir } from './kubelet-paths.ts';
import { killContainer } from './container/kill-container.ts';
import { killPod } from './kill-pod.ts';
import type { KubeletDeps } from './kubelet-deps.ts';
import { computePodActions } from './pod-actions.ts';
import type { PodActions } from './pod-actions.ts';
import { podHostname } from './sandbox/pod-hostname.ts';
import { describePod, findContainerSpec, isHostNetwork, podNamespace, podUid } from './pod-identity.ts';
import { planResizes } from './resize-actions.ts';
import type { RuntimePod } from './runtime/runtime-pod.ts';
import { startContainer } from './container/start-container.ts';
import type { StartFacts } from './container/start-container.ts';
import { makeSandboxConfig, startSandbox } from './sandbox/start-sandbox.ts';
import { StartError } from './container/start-error.ts';
import type { MountedVolume } from './volumes/volume-plugin.ts';

/** What a sync of the runtime came to. */
export interface SyncResult {
  /** By container name: why it could not be started. Those that were or need not be are not in it. */
  readonly failures: ReadonlyMap<string, StartFailure>;
  /** Names of those that were started: what was said of them before is over. */
  readonly started: ReadonlySet<string>;
  /** What else failed: the sync is to be tried again. */
  readonly error: unknown;
  /** When a back-off ends, in ms from now; undefined when none holds anything back. */
  readonly retryMs: number | undefined;
}

/** Brings the runtime to the pod's spec (upstream kuberuntime SyncPod). */
export async function syncRuntime(
  deps: KubeletDeps,
  pod: Pod,
  runtimePod: RuntimePod,
  volumes: ReadonlyMap<string, MountedVolume>,
  signal: AbortSignal,
): Promise<SyncResult> {
  const actions = computePodActions(pod, runtimePod, (kind, id) => deps.probeResults.get(kind, id));
  const sync = new RuntimeSync(deps, pod, runtimePod, signal);
  try {
    await sync.killWhatMustGo(actions);
    if (actions.killPod && !actions.createSandbox) return sync.result();
    if (!actions.createSandbox) await sync.resize(actions);
    const facts = await sync.prepare(actions, volumes);
    await sync.start(actions, facts);
  } catch (error) {
    signal.throwIfAborted();
    sync.error = error;
  }
  return sync.result();
}

class RuntimeSync {
  error: unknown;
  readonly #deps: KubeletDeps;
  readonly #pod: Pod;
  readonly #runtimePod: RuntimePod;
  readonly #signal: AbortSignal;
  readonly #failures = new Map<string, StartFailure>();
  readonly #started = new Set<string>();
  #retryMs: number | undefined;

  constructor(deps: KubeletDeps, pod: Pod, runtimePod: RuntimePod, signal: AbortSignal) {
    this.#deps = deps;
    this.#pod = pod;
    this.#runtimePod = runtimePod;
    this.#signal = signal;
  }

  result(): SyncResult {
    const { error } = this;
    return { failures: this.#failures, started: this.#started, error, retryMs: this.#retryMs };
  }

  async killWhatMustGo(actions: PodActions): Promise<void> {
    const deps = this.#deps;
    if (actions.killPod) {
      if (actions.createSandbox && actions.sandboxId !== '') {
        const message = 'Pod sandbox changed, it will be killed and re-created.';
        deps.events.emit(this.#pod, { type: 'Normal', reason: 'SandboxChanged', message });
      }
      await killPod(deps, this.#pod, this.#runtimePod, undefined, this.#signal);
      if (actions.createSandbox) await this.#removeInitContainers();
      return;
    }
    for (const { containerId, name, message, reason } of actions.containersToKill) {
      const container = findContainerSpec(this.#pod, name);
      if (container === undefined) continue;
      const podIp = this.#runtimePod.ips[0] ?? '';
      await killContainer(deps, { pod: this.#pod, container, containerId, podIp, message, reason }, this.#signal);
    }
  }

  /** Gives running containers the limits of the spec; one that wants a restart for that is killed and started anew. */
  async resize(actions: PodActions): Promise<void> {
    const deps = this.#deps;
    const killed = new Set(actions.containersToKill.map(({ containerId }) => containerId));
    for (const one of planResizes(this.#pod, this.#runtimePod, deps.limits)) {
      const { container, containerId, resources } = one;
      if (killed.has(containerId)) continue;
      if (!one.needsRestart) {
        await deps.runtime.updateContainerResources(containerId, resources, this.#signal);
        continue;
      }
      const message = `Container ${container.name} resize requires restart`;
      const podIp = this.#runtimePod.ips[0] ?? '';
      await killContainer(deps, { pod: this.#pod, container, containerId, podIp, message }, this.#signal);
    }
  }

  /** In a new sandbox initialization begins anew: what the last one's init containers did must not count. */
  async #removeInitContainers(): Promise<void> {
    const names = new Set((this.#pod.spec?.initContainers ?? []).map(({ name }) => name));
    const old = this.#runtimePod.containers.filter(({ name }) => names.has(name));
    for (const { id } of old) await this.#deps.runtime.removeContainer(id, this.#signal);
  }

  /** Makes the sandbox if there must be a new one, and what all containers share. */
  async prepare(actions: PodActions, volumes: ReadonlyMap<string, MountedVolume>): Promise<StartFacts> {
    const deps = this.#deps;
    const pod = this.#pod;
    const sandbox = await makeSandboxConfig(deps, pod, actions.attempt);
    let { sandboxId } = actions;
    let ips: readonly string[] = isHostNetwork(pod) ? deps.hostIps : this.#runtimePod.ips;
    if (actions.createSandbox) {
      sandboxId = await startSandbox(deps, pod, sandbox, this.#signal);
      const status = await deps.runtime.sandboxStatus(sandboxId, this.#signal);
      if (!isHostNetwork(pod)) ips = status.ips;
    }
    await this.#writeHosts(ips);
    const secrets = needsImages(actions) ? await this.#pullSecrets() : [];
    return { pod, runtimePod: this.#runtimePod, sandboxId, sandbox, podIps: ips, volumes, secrets };
  }

  async start(actions: PodActions, facts: StartFacts): Promise<void> {
    const spec = this.#pod.spec;
    const pick = (list: readonly Container[] | undefined, indexes: readonly number[]): readonly Container[] =>
      indexes.flatMap((index) => list?.[index] ?? []);
    const ephemeral = spec?.ephemeralContainers;
    for (const one of pick(ephemeral, actions.ephemeralContainersToStart)) await this.#startOne(one, facts);
    for (const container of pick(spec?.initContainers, actions.initContainersToStart)) {
      const isStarted = await this.#startOne(container, facts);
      // Those after it wait for it, but a sidecar that failed to restart holds back nobody.
      if (!isStarted && container.restartPolicy !== 'Always') return;
    }
    for (const container of pick(spec?.containers, actions.containersToStart)) await this.#startOne(container, facts);
  }

  async #startOne(container: Container, facts: StartFacts): Promise<boolean> {
    const held = this.#crashBackoff(container);
    if (held !== undefined) {
      this.#failures.set(container.name, held);
      return false;
    }
    try {
      await startContainer(this.#deps, facts, container, this.#signal);
      this.#started.add(container.name);
      return true;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#failures.set(container.name, { reason: error.reason, message: error.message });
      this.error ??= error;
      const pullMs = this.#deps.puller.backoffMs(this.#pod, container);
      if (pullMs > 0) this.#retryWithin(pullMs);
      return false;
    }
  }

  /** A container that ended is held back for 10 s, doubling to 5 min, from its end on. */
  #crashBackoff(container: Container): StartFailure | undefined {
    const { crashBackoff, events } = this.#deps;
    const last = this.#runtimePod.containers.find(({ name, state }) => name === container.name && state === 'exited');
    if (last === undefined) return undefined;
    const key = `${podUid(this.#pod)}_${container.name}_${container.image ?? ''}`;
    if (!crashBackoff.isInBackoffSince(key, last.finishedAtMs)) {
      crashBackoff.next(key, last.finishedAtMs);
      return undefined;
    }
    this.#retryWithin(crashBackoff.remainingMs(key, last.finishedAtMs));
    const where = `container ${container.name} in pod ${describePod(this.#pod)}`;
    const message = `Back-off restarting failed ${where}`;
    events.emit(this.#pod, { type: 'Warning', reason: 'BackOff', message, container: container.name });
    const delay = goSeconds(crashBackoff.get(key));
    return {
      reason: 'CrashLoopBackOff',
      message: `back-off ${delay} restarting failed container=${container.name} pod=${describePod(this.#pod)}`,
    };
  }

  #retryWithin(ms: number): void {
    this.#retryMs = Math.min(this.#retryMs ?? Number.POSITIVE_INFINITY, ms);
  }

  async #writeHosts(ips: readonly string[]): Promise<void> {
    const { paths, clusterDomain } = this.#deps;
    await mkdir(podDir(paths, podUid(this.#pod)), { recursive: true, mode: 0o750 });
    const hostFile = isHostNetwork(this.#pod) ? ((await readFileIfThere('/etc/hosts')) ?? '') : '';
    const text = hostsFile(this.#pod, ips, podHostname(this.#pod, clusterDomain), hostFile);
    const path = hostsPath(paths, podUid(this.#pod));
    // In place, never renamed: containers have the file itself bind-mounted.
    if ((await readFileIfThere(path)) !== text) await writeFile(path, text, { mode: 0o644 });
  }

  async #pullSecrets(): Promise<readonly Secret[]> {
    const secrets: Secret[] = [];
    for (const { name = '' } of this.#pod.spec?.imagePullSecrets ?? []) {
      try {
        secrets.push(await this.#deps.getSecret(podNamespace(this.#pod), name, this.#signal));
      } catch (error) {
        this.#signal.throwIfAborted();
        const message = `Unable to retrieve some image pull secrets (${name}); attempting to pull the image may not succeed.`;
        this.#deps.events.emit(this.#pod, { type: 'Warning', reason: 'FailedToRetrieveImagePullSecret', message });
        this.#deps.log.debug('a pull secret cannot be read', { pullSecret: name, error });
      }
    }
    return secrets;
  }
}

function needsImages(actions: PodActions): boolean {
  const { initContainersToStart, containersToStart, ephemeralContainersToStart } = actions;
  return initContainersToStart.length + containersToStart.length + ephemeralContainersToStart.length > 0;
}
