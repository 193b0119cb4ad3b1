import { mkdir } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import type { Node, Pod } from '../api/objects.ts';
import { isPodActive, isPodTerminal } from '../api/pod-facts.ts';
import type { Informer } from '../client/informer.ts';
import type { ApiClient } from '../client/api-client.ts';
import { runTogether } from '../host/run-together.ts';
import { Housekeeping } from './housekeeping.ts';
import { findContainer, findSandbox } from './kubelet-view.ts';
import type { KubeletDeps } from './kubelet-deps.ts';
import { runMirrorPods } from './mirror-pods.ts';
import { Pleg } from './runtime/pleg.ts';
import { foreignConditions } from './status/pod-conditions.ts';
import { isMirrorPod, isStaticPod, podFullName, podUid } from './pod-identity.ts';
import { PodStore } from './pod-store.ts';
import { PodSyncer } from './pod-syncer.ts';
import type { PodEnd } from './pod-worker.ts';
import { PodWorkers } from './pod-workers.ts';
import type { ContainerLocation, KubeletView } from './server/kubelet-server.ts';
import type { MetricFamily } from './server/metric-text.ts';
import { runStaticPods } from './static-pods.ts';
import { StatusWriter } from './status/status-writer.ts';

interface KubeletOptions {
  readonly deps: KubeletDeps;
  readonly client: ApiClient;
  readonly nodeName: string;
  /** Of the API's pods bound to this board. */
  readonly pods: Informer<Pod>;
  readonly staticPodDir: string;
}

/** The core: takes pods from the API and from files, and keeps the runtime and the API at what is true of them. */
export class Kubelet implements KubeletView {
  readonly #options: KubeletOptions;
  readonly #store = new PodStore();
  readonly #statuses: StatusWriter;
  readonly #syncer: PodSyncer;
  readonly #workers: PodWorkers;
  readonly #pleg: Pleg;
  readonly #housekeeping: Housekeeping;
  /** Static pods that came back before their last run had ended. */
  readonly #toRestart = new Set<string>();

  constructor(options: KubeletOptions) {
    this.#options = options;
    const { deps, client } = options;
    const { clock, log } = deps;
    this.#statuses = new StatusWriter({
      client,
      clock,
      log,
      apiPod: (uid) => this.#store.apiPod(uid),
      isFinished: (uid) => this.#workers.isFinished(uid),
    });
    this.#syncer = new PodSyncer(deps, this.#statuses);
    this.#workers = new PodWorkers({
      acts: this.#syncer,
      clock,
      log,
      onFinished: (pod) => this.#onFinished(pod),
    });
    const [store, workers] = [this.#store, this.#workers];
    const [statuses, syncer] = [this.#statuses, this.#syncer];
    const activePods = (): readonly Pod[] => this.activePods();
    this.#housekeeping = new Housekeeping({ deps, store, workers, statuses, syncer, activePods });
    this.#pleg = new Pleg({
      runtime: deps.runtime,
      clock,
      log,
      onChange: (uid) => this.#workers.poke(uid),
      onBack: () => this.#workers.retryAll(),
    });
  }

  /** Why the core cannot keep up; undefined when it does. */
  problem(): string | undefined {
    return this.#pleg.problem();
  }

  /** Runs until aborted. Containers go on without us. */
  async run(signal: AbortSignal): Promise<void> {
    const { deps, client, nodeName, pods, staticPodDir } = this.#options;
    const { clock, log, paths } = deps;
    for (const folder of [join(paths.rootDir, 'pods'), paths.podLogsDir, paths.containerLogsDir])
      await mkdir(folder, { recursive: true, mode: 0o755 });
    const stops = [
      pods.onChange((before, now) => this.#onApiPod(before, now)),
      deps.probeResults.onChange((_, { podUid }) => this.#workers.poke(podUid)),
    ];
    const store = this.#store;
    const onPods = (found: readonly Pod[]): void => this.#onStaticPods(found);
    const parts = [
      pods,
      this.#workers,
      this.#statuses,
      this.#pleg,
      {
        run: async (signal: AbortSignal) =>
          runStaticPods({ folder: staticPodDir, nodeName, clock, log, onPods }, signal),
      },
      {
        run: async (signal: AbortSignal) =>
          runMirrorPods({ client, store, clock, log, node: () => deps.node() }, signal),
      },
      { run: async (signal: AbortSignal) => this.#housekeep(signal) },
    ];
    await runTogether(parts, signal).finally(() => {
      for (const stop of stops) stop();
    });
  }

  get runtime(): KubeletDeps['runtime'] {
    return this.#options.deps.runtime;
  }

  get images(): KubeletDeps['images'] {
    return this.#options.deps.images;
  }

  get nodeName(): string {
    return this.#options.nodeName;
  }

  get podLogsDir(): string {
    return this.#options.deps.paths.podLogsDir;
  }

  evictions(): ReadonlyMap<string, number> {
    return this.#options.deps.evictions();
  }

  async runtimeMetrics(): Promise<string> {
    return this.#options.deps.runtimeMetrics();
  }

  probeMetrics(): readonly MetricFamily[] {
    return this.#options.deps.probeCounts.families();
  }

  node(): Node | undefined {
    return this.#options.deps.node();
  }

  pods(): readonly Pod[] {
    return this.#store.all().map((pod) => this.#withStatus(pod));
  }

  /** Pods that run or are to run, and are not on their way out. */
  activePods(): readonly Pod[] {
    return this.pods().filter((pod) => isPodActive(pod) && !this.#workers.isTerminating(podUid(pod)));
  }

  /** Whether nothing of the pod is left. */
  isGone(uid: string): boolean {
    return !this.#workers.has(uid) || this.#workers.isFinished(uid);
  }

  /** Ends a pod for the board's sake; it fails with the reason. */
  evict(pod: Pod, end: PodEnd): void {
    const { reason = '', message = '' } = end;
    this.#options.deps.events.emit(pod, { type: 'Warning', reason, message });
    this.#workers.terminate(podUid(pod), end);
  }

  /** Gives back what pods that are over still take of the card. @throws StatusError of the runtime */
  async removeFinished(signal: AbortSignal): Promise<void> {
    return this.#housekeeping.removeFinished(signal);
  }

  /** The pod of that uid with its status as last made. */
  podByUid(uid: string): Pod | undefined {
    const pod = this.#store.get(uid);
    return pod === undefined ? undefined : this.#withStatus(pod);
  }

  findPod(namespace: string, name: string, uid?: string): Pod | undefined {
    const found = this.#store.all().filter((pod) => podFullName(pod) === `${namespace}/${name}`);
    const mirrored = this.#store.mirrors().find((pod) => podUid(pod) === uid);
    const wanted = mirrored === undefined ? uid : this.#store.runningUid(mirrored);
    // Two of one name: the one that is not on its way out.
    const pod =
      wanted === undefined
        ? (found.find((one) => one.metadata?.deletionTimestamp === undefined) ?? found[0])
        : found.find((one) => podUid(one) === wanted);
    return pod === undefined ? undefined : this.#withStatus(pod);
  }

  async findContainer(pod: Pod, container: string, options?: { previous?: boolean }): Promise<ContainerLocation> {
    return findContainer(this.#options.deps.runtime, pod, container, options?.previous === true);
  }

  async findSandbox(pod: Pod): Promise<string> {
    return findSandbox(this.#options.deps.runtime, pod);
  }

  #withStatus(pod: Pod): Pod {
    const status = this.#statuses.get(podUid(pod));
    return status === undefined ? pod : { ...pod, status };
  }

  #onApiPod(before: Pod | undefined, now: Pod | undefined): void {
    if (now === undefined) {
      if (before !== undefined) this.#onApiPodGone(before);
      return;
    }
    // Deleted and made anew between two lists: the informer shows it as a change.
    if (before !== undefined && podUid(before) !== podUid(now)) this.#onApiPodGone(before);
    this.#store.putApi(now);
    const uid = this.#store.runningUid(now);
    if (!isMirrorPod(now)) {
      if (isEcho(before, now) && this.#workers.has(uid)) this.#workers.keep(now);
      else this.#dispatch(now);
    }
    this.#statuses.reconcile(uid);
  }

  #onApiPodGone(pod: Pod): void {
    this.#store.removeApi(pod);
    if (!isMirrorPod(pod)) this.#workers.terminate(podUid(pod), {});
  }

  #onStaticPods(found: readonly Pod[]): void {
    const { gone, added } = this.#store.setStatic(found);
    for (const pod of gone) {
      this.#toRestart.delete(podUid(pod));
      this.#workers.terminate(podUid(pod), {});
    }
    for (const pod of found) {
      // The same file came back while its pod was on the way out: it runs again when that is done.
      if (added.includes(pod) && this.#workers.isTerminating(podUid(pod))) this.#toRestart.add(podUid(pod));
      else this.#dispatch(pod);
    }
    for (const pod of found) if (this.#workers.isFinished(podUid(pod))) this.#onFinished(pod);
  }

  #onFinished(pod: Pod): void {
    const uid = podUid(pod);
    this.#statuses.reconcile(uid);
    if (!this.#toRestart.delete(uid)) return;
    this.#workers.forget(uid);
    this.#statuses.forget(uid);
    this.#dispatch(pod);
  }

  /** Hands the pod to its worker; one that does not fit the board is refused first. */
  #dispatch(pod: Pod): void {
    const uid = podUid(pod);
    if (this.#workers.has(uid)) return this.#workers.update(pod);
    const verdict = this.#isNew(pod) ? this.#options.deps.admit(pod, this.#activeOthers(uid)) : undefined;
    const told = verdict === undefined ? undefined : this.#syncer.refuse(pod, verdict);
    this.#workers.update(pod);
    if (told !== undefined) this.#workers.terminate(uid, told);
  }

  /** Not yet started by anyone: one that ran here before a restart was let in then. */
  #isNew(pod: Pod): boolean {
    return pod.status?.startTime === undefined && pod.metadata?.deletionTimestamp === undefined && !isStaticPod(pod);
  }

  #activeOthers(uid: string): readonly Pod[] {
    return this.pods().filter((pod) => podUid(pod) !== uid && !isPodTerminal(pod));
  }

  async #housekeep(signal: AbortSignal): Promise<void> {
    await this.#options.pods.synced(signal).catch(() => undefined);
    if (!signal.aborted) await this.#housekeeping.run(signal);
  }
}

/** Whether a change is but the echo of what this kubelet wrote: sets others' conditions and the phase apart. */
function isEcho(before: Pod | undefined, now: Pod): boolean {
  if (before === undefined) return false;
  const told = ({ metadata, spec, status }: Pod): unknown[] => {
    const { resourceVersion: _, managedFields: __, ...rest } = metadata ?? {};
    return [rest, spec, status?.phase, foreignConditions(status?.conditions ?? [])];
  };
  return isDeepStrictEqual(told(before), told(now));
}
