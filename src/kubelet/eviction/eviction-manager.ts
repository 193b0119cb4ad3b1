import type { Pod } from '../../api/objects.ts';
import { qosClass } from '../../api/qos-class.ts';
import { isTolerated } from '../../api/toleration.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { NodeEvent } from '../node/node-events.ts';
import { describePod, isStaticPod, podUid } from '../pod-identity.ts';
import type { PodEnd } from '../pod-worker.ts';
import { conditionMessage, EVICTED, evictionMessage, localStorageExcess } from './eviction-message.ts';
import { hasCriticalPriority, rankPods } from './pod-use.ts';
import type { PodUse } from './pod-use.ts';
import { PressureConditions } from './pressure-conditions.ts';
import { metThresholds, pressuresOf, starvedOf } from './thresholds.ts';
import type { MetThreshold, Observations, PressureType, Thresholds } from './thresholds.ts';

interface EvictionOptions {
  readonly thresholds: Thresholds;
  readonly clock: Clock;
  readonly log: Log;
  /** How much is left of everything. */
  readonly observe: (signal: AbortSignal) => Promise<Observations>;
  /** What pods use. */
  readonly readUses: (pods: readonly Pod[], withVolumes: boolean, signal: AbortSignal) => Promise<readonly PodUse[]>;
  /** Pods that run and are not on their way out. */
  readonly activePods: () => readonly Pod[];
  /** Ends a pod; it fails with the reason and message. */
  readonly evict: (pod: Pod, end: PodEnd) => void;
  readonly isGone: (uid: string) => boolean;
  /** Removes what nobody uses from the card: dead containers of pods that are over, unused images. */
  readonly reclaimDisk: (signal: AbortSignal) => Promise<void>;
  /** About the Node. */
  readonly emit: (event: NodeEvent) => void;
  readonly onChange: () => void;
}

/** Upstream's evictionMonitoringPeriod; more often while little is left, for memory is gone within a second. */
const LOOK_MS = 10_000;
const LOOK_CLOSE_MS = 1000;
const CLOSE_FACTOR = 2;
/** An evicted pod has this long to be gone before the next one is looked for (podCleanupTimeout). */
const CLEANUP_MS = 30_000;
const CLEANUP_LOOK_MS = 500;
/** Volumes with limits are walked through this often (volumeStatsAggPeriod). */
const STORAGE_LOOK_MS = 60_000;
/** immediateEvictionGracePeriodSeconds */
const HARD_GRACE_SECONDS = 1;
const CALL_MS = 20_000;

/**
 * Keeps the board alive when it runs short: tells of it by the Node's conditions, takes no pods that would make it
 * worse, frees the card of what nobody uses, and ends one pod after the other, the least deserving first (upstream
 * eviction_manager.go, hard thresholds).
 */
export class EvictionManager {
  readonly #options: EvictionOptions;
  readonly #conditions = new PressureConditions();
  readonly #evictions = new Map<string, number>();
  #storageLookMs = Number.NEGATIVE_INFINITY;
  #isClose = false;

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  /** What the Node's conditions are to tell. */
  get pressures(): readonly PressureType[] {
    return this.#conditions.current;
  }

  /** How many pods were evicted, by the signal that was met. */
  get evictions(): ReadonlyMap<string, number> {
    return this.#evictions;
  }

  /** Why a pod is not taken now; undefined when it is (upstream Admit). */
  refusal(pod: Pod): { readonly reason: string; readonly message: string } | undefined {
    const pressures = this.pressures;
    if (pressures.length === 0 || isStaticPod(pod) || hasCriticalPriority(pod)) return undefined;
    const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' } as const;
    if (pressures.join() === 'MemoryPressure') {
      if (qosClass(pod) !== 'BestEffort' || isTolerated(taint, pod.spec?.tolerations)) return undefined;
    }
    return { reason: EVICTED, message: conditionMessage(pressures) };
  }

  /** Looks after the board until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      let evicted: readonly Pod[] = [];
      try {
        evicted = await this.look(signal);
      } catch (error) {
        if (!signal.aborted) log.warn('what is left on the board cannot be told', { error });
      }
      if (evicted.length > 0) await this.#untilGone(evicted, signal);
      else await clock.sleepMs(this.#isClose ? LOOK_CLOSE_MS : LOOK_MS, signal).catch(() => undefined);
    }
  }

  /** Looks once. @returns whom it evicted */
  async look(signal: AbortSignal): Promise<readonly Pod[]> {
    const { clock, thresholds, observe, onChange } = this.#options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
    const observations = await observe(limit);
    const met = metThresholds(thresholds, observations);
    const close = metThresholds(thresholds, twiceAsShort(observations));
    this.#isClose = close.some(({ signal }) => starvedOf(signal) === 'memory');
    if (this.#conditions.update(pressuresOf(met), clock.monotonicMs())) onChange();
    const spilled = await this.#evictSpilling(limit);
    if (spilled.length > 0) return spilled;
    const [first] = met;
    return first === undefined ? [] : this.#reclaim(first, signal);
  }

  async #reclaim(first: MetThreshold, signal: AbortSignal): Promise<readonly Pod[]> {
    const { thresholds, observe, emit, log, reclaimDisk, activePods, readUses } = this.#options;
    const starved = starvedOf(first.signal);
    emit({ type: 'Warning', reason: 'EvictionThresholdMet', message: `Attempting to reclaim ${starved}` });
    const isDisk = starved === 'ephemeral-storage' || starved === 'inodes';
    if (isDisk) {
      await reclaimDisk(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('the card cannot be tidied up', { error });
      });
      if (metThresholds(thresholds, await observe(signal)).length === 0) return [];
    }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
    const uses = await readUses(activePods(), isDisk, limit);
    for (const use of rankPods(starved, uses)) {
      const message = evictionMessage(first, use);
      if (this.#evict(use.pod, first.signal, { message, isDisruption: true })) return [use.pod];
    }
    log.warn('the board is short and there is no pod to evict', { of: starved });
    return [];
  }

  /** Pods that use more of the card than they said they would (upstream localStorageEviction). */
  async #evictSpilling(signal: AbortSignal): Promise<readonly Pod[]> {
    const { clock, activePods, readUses } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#storageLookMs < STORAGE_LOOK_MS) return [];
    this.#storageLookMs = nowMs;
    const limited = activePods().filter(hasStorageLimit);
    if (limited.length === 0) return [];
    const evicted: Pod[] = [];
    for (const use of await readUses(limited, true, signal)) {
      const message = localStorageExcess(use);
      if (message !== undefined && this.#evict(use.pod, 'ephemeralstorage.limit', { message })) evicted.push(use.pod);
    }
    return evicted;
  }

  #evict(pod: Pod, cause: string, end: Pick<PodEnd, 'message' | 'isDisruption'>): boolean {
    const { log, evict } = this.#options;
    if (isStaticPod(pod) || hasCriticalPriority(pod)) return false;
    log.warn('a pod is evicted', { pod: describePod(pod), message: end.message });
    this.#evictions.set(cause, (this.#evictions.get(cause) ?? 0) + 1);
    evict(pod, { ...end, reason: EVICTED, graceSeconds: HARD_GRACE_SECONDS });
    return true;
  }

  async #untilGone(evicted: readonly Pod[], signal: AbortSignal): Promise<void> {
    const { clock, isGone } = this.#options;
    const endMs = clock.monotonicMs() + CLEANUP_MS;
    while (!signal.aborted && clock.monotonicMs() < endMs && !evicted.every((pod) => isGone(podUid(pod))))
      await clock.sleepMs(CLEANUP_LOOK_MS, signal).catch(() => undefined);
  }
}

/** Half of what is left: whether a threshold is not far. */
function twiceAsShort(observations: Observations): Observations {
  return new Map(
    Array.from(observations, ([name, one]) => [name, { ...one, available: one.available / CLOSE_FACTOR }]),
  );
}

function hasStorageLimit({ spec }: Pod): boolean {
  const hasVolume = (spec?.volumes ?? []).some(
    ({ emptyDir }) => emptyDir?.sizeLimit !== undefined && emptyDir.medium !== 'Memory',
  );
  return (
    hasVolume || (spec?.containers ?? []).some((one) => one.resources?.limits?.['ephemeral-storage'] !== undefined)
  );
}
