import { errorText } from '../api/error-text.ts';
import type { Pod } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { ApiClient } from '../client/api-client.ts';
import { referenceTo, type EventRecorder } from '../client/event-recorder.ts';
import { pods } from '../client/resources.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { Background } from './background.ts';
import { SchedulerCache } from './cache.ts';
import type { SchedulerConfig } from './config.ts';
import { CycleState, type Cycle, type PostFilterOutcome, type Rejection } from './framework.ts';
import { groupSelector, type GroupListers } from './group-selector.ts';
import type { AttemptResult, SchedulerMetrics } from './metrics.ts';
import { Nominator } from './nominator.ts';
import type { PluginHandle } from './plugin-handle.ts';
import { isTold, unschedulableFor, writePodCondition, type Failure } from './pod-condition.ts';
import type { PodInfo } from './pod-info.ts';
import { Profile } from './profile.ts';
import { schedulePod, tryNode, type Unfit } from './schedule-pod.ts';
import { SchedulingQueue, type QueuedPod } from './scheduling-queue.ts';

/** What a Scheduler works with. */
export interface SchedulerParts {
  readonly client: ApiClient;
  readonly recorder: EventRecorder;
  readonly config: SchedulerConfig;
  readonly log: Log;
  readonly clock: Clock;
  readonly listers: GroupListers;
  readonly namespaceLabels: PluginHandle['namespaceLabels'];
  /** 0 up to 1 */
  readonly random: () => number;
}

/** Bindings and status writes on their way at once. */
const WRITES_MAX = 32;
/** After so many cycles other work (watches, timers) gets its turn. */
const CYCLES_PER_TURN = 8;
/** Between two questions where a pod is. */
const ASK_AGAIN_MS = 1000;
const NO_NODES = 'no nodes available to schedule pods';
const GATED = 'Scheduling is blocked due to non-empty scheduling gates';

/** Takes pods from its queue one by one, chooses a node for each and binds it. Fed by `followCluster`. */
export class Scheduler {
  readonly cache = new SchedulerCache();
  readonly nominator = new Nominator();
  readonly queue: SchedulingQueue;
  metrics: SchedulerMetrics | undefined;
  readonly #parts: SchedulerParts;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #writes: Background;
  #startIndex = 0;
  #signal: AbortSignal = new AbortController().signal;

  /** @throws Error when a profile cannot be made */
  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#profiles = new Map(
      parts.config.profiles.map((config): [string, Profile] => {
        const handle: PluginHandle = {
          client: parts.client,
          recorder: parts.recorder,
          clock: parts.clock,
          random: parts.random,
          namespaceLabels: parts.namespaceLabels,
          groupSelector: (pod) => groupSelector(pod, parts.listers),
          nominated: (nodeName) => this.nominator.on(nodeName),
          tryOn: (pod, snapshot, node) => tryNode(profile, pod, snapshot, node, (name) => this.nominator.on(name)),
        };
        const profile = new Profile(config, handle);
        profile.onRun = (point, status, seconds) => this.metrics?.ran(point, status, profile.schedulerName, seconds);
        return [config.schedulerName, profile];
      }),
    );
    const { config, clock } = parts;
    this.queue = new SchedulingQueue({
      clock,
      initialBackoffMs: config.podInitialBackoffMs,
      maxBackoffMs: config.podMaxBackoffMs,
      compare: (a, b) => this.#profileOf(a.info.pod)?.compare(a, b) ?? 0,
      gate: (pod) => this.#profileOf(pod.pod)?.preEnqueue(pod)?.plugin,
      mayHelp: (plugin, pod, event) => this.#profileOf(pod.pod)?.mayHelp(plugin, pod, event) ?? false,
      onQueued: (queue, event) => this.metrics?.queued(queue, event),
    });
    this.#writes = new Background(WRITES_MAX, (error) => parts.log.error('a write of the scheduler failed', { error }));
  }

  /** Whether a profile is for this pod. */
  isOurs(pod: Pod): boolean {
    return this.#profileOf(pod) !== undefined;
  }

  /** Says in a gated pod's condition that it waits for its gates (KEP-3521); the API server does so for new pods. */
  reportGated(pod: PodInfo): void {
    const failure: Failure = { reason: 'SchedulingGated', message: GATED };
    if (!isTold(pod.pod, failure))
      void this.#writes.start(async () => writePodCondition(this.#parts, pod, failure, this.#signal));
  }

  /** Schedules until aborted; settles when the last binding is done. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const timers = this.queue.run(signal);
    let cycles = 0;
    for (let pod = await this.queue.pop(signal); pod !== undefined; pod = await this.queue.pop(signal)) {
      await this.#scheduleOne(pod, signal);
      cycles += 1;
      if (cycles % CYCLES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#writes.idle();
    await timers;
  }

  #profileOf(pod: Pod): Profile | undefined {
    return this.#profiles.get(pod.spec?.schedulerName ?? 'default-scheduler');
  }

  /** One cycle: synchronous up to the assumption, so that the next pod's cycle sees this one's choice. */
  async #scheduleOne(pod: QueuedPod, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const startMs = clock.monotonicMs();
    const profile = this.#profileOf(pod.info.pod);
    if (profile === undefined) return this.queue.finish(pod);
    const cycle: Cycle = { pod: pod.info, snapshot: this.cache, state: new CycleState() };
    const attempted = (result: AttemptResult): void =>
      this.metrics?.attempted(result, profile.schedulerName, (clock.monotonicMs() - startMs) / 1000);
    try {
      const result = this.#choose(profile, cycle);
      if ('unfit' in result) {
        attempted('unschedulable');
        return await this.#onUnfit(pod, profile, cycle, result.unfit, signal);
      }
      const { nodeName } = result;
      this.cache.assume(cycle.pod, nodeName);
      const rejection = profile.reserve(cycle, nodeName);
      if (rejection !== undefined) {
        this.cache.forget(cycle.pod);
        attempted('unschedulable');
        return await this.#giveBack(pod, new Set(), unschedulableFor(rejection), signal);
      }
      this.nominator.delete(cycle.pod.key);
      await this.#writes.start(async () => this.#bind({ pod, profile, cycle, nodeName }, attempted, signal));
    } catch (error) {
      attempted('error');
      log.error('cannot schedule a pod', { pod: pod.info.key, error });
      await this.#giveBack(pod, new Set(), { reason: 'SchedulerError', message: errorText(error) }, signal);
    }
  }

  #choose(profile: Profile, cycle: Cycle): { readonly nodeName: string } | { readonly unfit: Unfit } {
    const nodeCount = this.cache.nodes.length;
    if (nodeCount === 0) return { unfit: { rejected: new Map(), rejectors: new Set(['NodeName']), message: NO_NODES } };
    const { clock, random } = this.#parts;
    const nominated = (name: string) => this.nominator.on(name);
    const startMs = clock.monotonicMs();
    const result = schedulePod({ profile, cycle, startIndex: this.#startIndex, nominated, random });
    this.metrics?.chose((clock.monotonicMs() - startMs) / 1000);
    this.#startIndex = (this.#startIndex + result.looked) % nodeCount;
    return result;
  }

  async #onUnfit(pod: QueuedPod, profile: Profile, cycle: Cycle, unfit: Unfit, signal: AbortSignal): Promise<void> {
    const postFilter = (): PostFilterOutcome => this.#runPostFilters(profile, cycle, unfit.rejected);
    const statusOf = ({ nominatedNode }: PostFilterOutcome): string =>
      (nominatedNode ?? '') === '' ? 'Unschedulable' : 'Success';
    const outcome = unfit.message === NO_NODES ? undefined : profile.measure('PostFilter', postFilter, statusOf);
    const message = [unfit.message, outcome?.message ?? ''].filter((text) => text !== '').join(' ');
    const { act, nominatedNode, victims } = outcome ?? {};
    if (nominatedNode !== undefined) this.nominator.set(cycle.pod, nominatedNode);
    if (victims !== undefined) this.metrics?.preempted(victims);
    await this.#giveBack(pod, unfit.rejectors, { reason: 'Unschedulable', message, nominatedNode }, signal);
    if (act === undefined) return;
    await this.#writes.start(async () => {
      try {
        await act(signal);
      } catch (error) {
        if (!signal.aborted) this.#parts.log.warn('cannot preempt', { pod: pod.info.key, error });
        this.nominator.delete(pod.info.key);
        this.queue.retry(pod);
      }
    });
  }

  /** Until one has found the pod a place; what the others say of why not is joined. */
  #runPostFilters(profile: Profile, cycle: Cycle, rejected: ReadonlyMap<string, Rejection>): PostFilterOutcome {
    const messages: string[] = [];
    let last: PostFilterOutcome | undefined;
    for (const { plugin } of profile.at('postFilter')) {
      const outcome = plugin.postFilter?.(cycle, rejected);
      if (outcome === undefined) continue;
      if ((outcome.nominatedNode ?? '') !== '') return outcome;
      messages.push(outcome.message);
      if (last === undefined || outcome.nominatedNode !== undefined) last = outcome;
    }
    return { nominatedNode: undefined, ...last, message: messages.join(', ') };
  }

  /** Permit, PreBind, Bind, PostBind; or everything is undone and the pod goes back. */
  async #bind(placement: Placement, attempted: (result: AttemptResult) => void, signal: AbortSignal): Promise<void> {
    const { pod, profile, cycle, nodeName } = placement;
    const { clock, log, recorder } = this.#parts;
    const { key, pod: object, namespace, name } = cycle.pod;
    let failure: Failure | undefined;
    try {
      const rejection = await profile.permit(cycle, nodeName);
      if (rejection !== undefined) failure = unschedulableFor(rejection);
      else await profile.bind(cycle, nodeName, signal);
    } catch (error) {
      if (!signal.aborted) log.warn('cannot bind a pod', { pod: key, node: nodeName, error });
      // An answer may be lost where the binding was not: the room is given back only when the pod is known to have no node.
      if ((await this.#nodeOf(cycle.pod, signal)) !== nodeName)
        failure = { reason: 'SchedulerError', message: `binding rejected: ${errorText(error)}` };
    }
    if (failure !== undefined) {
      attempted(failure.reason === 'Unschedulable' ? 'unschedulable' : 'error');
      this.#undo(placement);
      this.#putBack(pod, new Set(), failure);
      if (!isTold(pod.info.pod, failure)) await writePodCondition(this.#parts, pod.info, failure, signal);
      return;
    }
    this.queue.finish(pod);
    attempted('scheduled');
    this.metrics?.bound(pod.attempts, (clock.monotonicMs() - pod.firstSeenMs) / 1000);
    const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
    recorder.record(referenceTo(object, 'v1', 'Pod'), 'Normal', 'Scheduled', message);
    log.debug('pod bound', { pod: key, node: nodeName });
  }

  /** The node that the API server has for the pod now; asked until it answers. Undefined: none, or no such pod. */
  async #nodeOf({ namespace, name, uid }: PodInfo, signal: AbortSignal): Promise<string | undefined> {
    const { client, clock } = this.#parts;
    while (!signal.aborted) {
      try {
        const { metadata, spec } = await client.get(pods, namespace, name, { signal });
        return metadata?.uid === uid ? spec?.nodeName : undefined;
      } catch (error) {
        if (isReason(error, 'NotFound')) return undefined;
      }
      await clock.sleepMs(ASK_AGAIN_MS, signal).catch(() => undefined); // rejects only when aborted
    }
    return undefined;
  }

  #undo({ profile, cycle, nodeName }: Placement): void {
    profile.unreserve(cycle, nodeName);
    this.cache.forget(cycle.pod);
    // Room that others were refused because of this pod.
    this.queue.moveOn({ resource: 'AssignedPod', change: 'deleted', now: cycle.pod.pod });
  }

  /** Puts a pod back and tells people why; its condition is written beside the next cycles. */
  async #giveBack(
    pod: QueuedPod,
    rejectors: ReadonlySet<string>,
    failure: Failure,
    signal: AbortSignal,
  ): Promise<void> {
    this.#putBack(pod, rejectors, failure);
    const { info } = pod;
    if (!isTold(info.pod, failure))
      await this.#writes.start(async () => writePodCondition(this.#parts, info, failure, signal));
  }

  #putBack(pod: QueuedPod, rejectors: ReadonlySet<string>, { message }: Failure): void {
    this.queue.giveBack(pod, rejectors);
    this.#parts.recorder.record(referenceTo(pod.info.pod, 'v1', 'Pod'), 'Warning', 'FailedScheduling', message);
  }
}

interface Placement {
  readonly pod: QueuedPod;
  readonly profile: Profile;
  readonly cycle: Cycle;
  readonly nodeName: string;
}
