import type { ClusterEvent } from './cluster-event.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

/**
 * The extension points of the scheduling framework (KEP-624), as kube-scheduler has them, in their order:
 * PreEnqueue, QueueSort, PreFilter, Filter, PostFilter, PreScore, Score, Reserve, Permit, PreBind, Bind, PostBind.
 *
 * All up to Permit are synchronous. A cycle therefore sees one state of the cache without copying it: nothing else runs
 * meanwhile. What must wait for the outside belongs into PreBind and Bind, which run beside the next pods' cycles.
 */

/** Why a pod cannot have a node. Unresolvable: not even without the pods that are on it, so preemption cannot help. */
export interface Rejection {
  readonly code: 'Unschedulable' | 'UnschedulableAndUnresolvable';
  /** In upstream's words: people and tools read them in FailedScheduling events. */
  readonly reasons: readonly string[];
}

/** Not on this node as things are; preempting pods there may help. */
export function unschedulable(...reasons: string[]): Rejection {
  return { code: 'Unschedulable', reasons };
}

/** Not on this node, whoever leaves it. */
export function unresolvable(...reasons: string[]): Rejection {
  return { code: 'UnschedulableAndUnresolvable', reasons };
}

/** The nodes as a cycle sees them. */
export interface Snapshot {
  readonly nodes: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
}

/** Names a plugin's data in a cycle's state, and its type. */
export class StateKey<T> {
  readonly name: string;
  /** Carries the type only; never set. */
  readonly example?: T;

  constructor(name: string) {
    this.name = name;
  }
}

/** What plugins keep from one extension point to the next, for one pod and one cycle. */
export class CycleState {
  readonly #values = new Map<StateKey<unknown>, unknown>();

  read<T>(key: StateKey<T>): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  write<T>(key: StateKey<T>, value: T): void {
    this.#values.set(key, value);
  }
}

/** One try to place one pod. */
export interface Cycle {
  readonly pod: PodInfo;
  readonly snapshot: Snapshot;
  readonly state: CycleState;
}

/** Goes on (undefined), leaves out this plugin's Filter, limits the nodes, or rejects the pod on all of them. */
export type PreFilterOutcome = 'skip' | { readonly nodeNames: ReadonlySet<string> } | Rejection | undefined;

/** `nominatedNode`: will be free once its victims are gone; the empty string takes an earlier nomination back. */
export interface PostFilterOutcome {
  readonly nominatedNode: string | undefined;
  readonly message: string;
  /** Carries the plan out; beside the next cycles. */
  readonly act?: (signal: AbortSignal) => Promise<void>;
  /** How many pods the plan deletes; 0 when it looked for some and found none that would help. */
  readonly victims?: number;
}

/** A pod waiting in the queue, for QueueSort. */
export interface Queued {
  readonly info: PodInfo;
  /** When it last entered the queue, monotonic. */
  readonly queuedMs: number;
}

/** A rule. It takes part in the extension points that it has a method for. */
export interface Plugin {
  readonly name: string;
  /** Keeps a pod out of the queue until its own update. */
  preEnqueue?(pod: PodInfo): Rejection | undefined;
  /** Below zero: `a` goes first. */
  compare?(a: Queued, b: Queued): number;
  preFilter?(cycle: Cycle): PreFilterOutcome;
  filter?(cycle: Cycle, node: NodeInfo): Rejection | undefined;
  postFilter?(cycle: Cycle, rejected: ReadonlyMap<string, Rejection>): PostFilterOutcome | undefined;
  /** May leave out this plugin's Score. */
  preScore?(cycle: Cycle, nodes: readonly NodeInfo[]): 'skip' | undefined;
  score?(cycle: Cycle, node: NodeInfo): number;
  /** Brings all nodes' scores, in the order of `nodes`, to 0..SCORE_MAX; higher is better. */
  normalize?(cycle: Cycle, nodes: readonly NodeInfo[], scores: number[]): void;
  reserve?(cycle: Cycle, nodeName: string): Rejection | undefined;
  /** Undoes reserve; called also for plugins whose reserve was not reached. */
  unreserve?(cycle: Cycle, nodeName: string): void;
  /** A promise lets the pod wait, reserved, beside the next cycles. */
  permit?(cycle: Cycle, nodeName: string): Rejection | undefined | Promise<Rejection | undefined>;
  preBind?(cycle: Cycle, nodeName: string, signal: AbortSignal): Promise<void>;
  /** False: not this plugin's pod, the next one binds it. */
  bind?(cycle: Cycle, nodeName: string, signal: AbortSignal): Promise<boolean>;
  postBind?(cycle: Cycle, nodeName: string): void;
  /** Whether the event may lift this plugin's rejection of the pod. Without it every event may. */
  mayHelp?(pod: PodInfo, event: ClusterEvent): boolean;
}

/** Scores go from 0 to this. */
export const SCORE_MAX = 100;

/** Scales scores so that the highest is SCORE_MAX; reversed, so that the lowest is best (helper.DefaultNormalizeScore). */
export function normalizeByMaximum(scores: number[], isReversed: boolean): void {
  const highest = Math.max(0, ...scores);
  for (const [index, score] of scores.entries()) {
    if (highest === 0) {
      if (isReversed) scores[index] = SCORE_MAX;
      continue;
    }
    const scaled = Math.trunc((SCORE_MAX * score) / highest);
    scores[index] = isReversed ? SCORE_MAX - scaled : scaled;
  }
}
