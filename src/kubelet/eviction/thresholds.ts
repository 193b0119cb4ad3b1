import { formatBytes, isQuantity, parseUnits } from '../../api/quantity.ts';
import { badRequest } from '../../api/status.ts';

/** What a board can run short of (upstream pkg/kubelet/eviction/api). */
export type Signal =
  | 'memory.available'
  /** Of the cgroup of all pods. */
  | 'allocatableMemory.available'
  | 'nodefs.available'
  | 'nodefs.inodesFree'
  | 'imagefs.available'
  | 'imagefs.inodesFree'
  | 'pid.available';

/** What is reclaimed when a signal says so: the word in Events and in a pod's message. */
export type Starved = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids';

/** The Node's conditions that tell of it. */
export type PressureType = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

/** One signal as seen at one moment. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

export type Observations = ReadonlyMap<Signal, Observation>;

/** The most that may be used up: `100Mi`, or a share of what there is, `10%`. */
export type Thresholds = Readonly<Partial<Record<Signal, string>>>;

/** A signal below its threshold. */
export interface MetThreshold extends Observation {
  readonly signal: Signal;
  /** The threshold as an amount. */
  readonly quantity: number;
}

/**
 * Upstream's hard thresholds on Linux (defaults_linux.go). It has none for process ids, so that a fork bomb takes the
 * board along: here the condition's five hundredths hold for eviction, too.
 */
export const DEFAULT_THRESHOLDS: Thresholds = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
  'pid.available': '5%',
};

const SHARE = /^(\d+(?:\.\d+)?)%$/;

const MEANING: Readonly<Record<Signal, { readonly starved: Starved; readonly pressure: PressureType }>> = {
  'memory.available': { starved: 'memory', pressure: 'MemoryPressure' },
  'allocatableMemory.available': { starved: 'memory', pressure: 'MemoryPressure' },
  'nodefs.available': { starved: 'ephemeral-storage', pressure: 'DiskPressure' },
  'nodefs.inodesFree': { starved: 'inodes', pressure: 'DiskPressure' },
  'imagefs.available': { starved: 'ephemeral-storage', pressure: 'DiskPressure' },
  'imagefs.inodesFree': { starved: 'inodes', pressure: 'DiskPressure' },
  'pid.available': { starved: 'pids', pressure: 'PIDPressure' },
};

/** Reads `memory.available<100Mi,nodefs.available<10%`, as upstream's --eviction-hard; `0%` turns one off. @throws StatusError BadRequest */
export function parseThresholds(text: string): Thresholds {
  const found: Partial<Record<Signal, string>> = {};
  for (const one of text.split(',').filter((part) => part.trim() !== '')) {
    const [signal = '', limit = ''] = one.split('<').map((part) => part.trim());
    if (!isSignal(signal)) throw badRequest(`unknown eviction signal "${signal}" in "${text}"`);
    const isAmount: boolean = isQuantity(limit);
    if (!isAmount && !SHARE.test(limit))
      throw badRequest(`eviction threshold of ${signal} must be an amount or a share: got "${limit}"`);
    found[signal] = limit;
  }
  return found;
}

function isSignal(name: string): name is Signal {
  return Object.hasOwn(MEANING, name);
}

/** Of what the board is short when that signal is below its threshold. */
export function starvedOf(signal: Signal): Starved {
  return MEANING[signal].starved;
}

/** The signals below their thresholds, in the order in which they are dealt with: memory before everything else. */
export function metThresholds(thresholds: Thresholds, observations: Observations): readonly MetThreshold[] {
  const signals = Object.keys(MEANING) as Signal[];
  return signals.flatMap((signal): MetThreshold[] => {
    // Where pods reach their own limit the kernel kills; they are to be evicted before, as far from it (addAllocatableThresholds).
    const own = signal === 'allocatableMemory.available' ? thresholds['memory.available'] : undefined;
    const [limit, seen] = [thresholds[signal] ?? own, observations.get(signal)];
    // A file system that makes inodes as it needs them says that it has none (btrfs).
    if (limit === undefined || seen === undefined || seen.capacity === 0) return [];
    const quantity = thresholdQuantity(limit, seen.capacity);
    return seen.available < quantity ? [{ signal, quantity, ...seen }] : [];
  });
}

/** A threshold as an amount. @throws StatusError BadRequest for what is none */
export function thresholdQuantity(limit: string, capacity: number): number {
  const share = SHARE.exec(limit)?.[1];
  return share === undefined ? parseUnits(limit) : Math.trunc((capacity * Number(share)) / 100);
}

/** The conditions that these thresholds raise. */
export function pressuresOf(met: readonly MetThreshold[]): ReadonlySet<PressureType> {
  return new Set(met.map(({ signal }) => MEANING[signal].pressure));
}

/** An amount of a resource in the words of Events: bytes with a binary suffix, inodes and process ids as numbers. */
export function amountText(starved: Starved, amount: number): string {
  const isBytes = starved === 'memory' || starved === 'ephemeral-storage';
  return isBytes ? formatBytes(Math.trunc(amount)) : String(Math.trunc(amount));
}
