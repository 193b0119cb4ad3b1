import { randomBytes } from 'node:crypto';
import { EtcdError } from './etcd-api/etcd-error.ts';

interface Waiting {
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Round {
  readonly context: string;
  readonly sentMs: number;
  readonly waiting: readonly Waiting[];
}

/** How long a read waits for a leader and a majority (etcd: 5 s + two election timeouts). */
const TIMEOUT_MS = 7000;
/** A request or its answer may be lost, most of all with the leader. */
const RETRY_MS = 500;

/**
 * Linearizable reads by ReadIndex (Raft thesis section 6.4): all reads that
 * arrive while one round to a majority is under way share the next one.
 */
export class ReadBarrier {
  readonly #request: (context: Uint8Array) => void;
  readonly #nonce = randomBytes(8).toString('hex');
  #count = 0;
  #queue: Waiting[] = [];
  #round: Round | undefined;
  /** Rounds that were answered, waiting for their index to be applied. */
  #confirmed: { readonly index: number; readonly waiting: readonly Waiting[] }[] = [];

  /** @param request asks Raft for an index under this context */
  constructor(request: (context: Uint8Array) => void) {
    this.#request = request;
  }

  /** Settles when all that was acknowledged before the call is applied. @throws EtcdError Timeout */
  wait(nowMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ deadlineMs: nowMs + TIMEOUT_MS, resolve, reject });
      if (this.#round === undefined) this.#start(nowMs);
    });
  }

  /** Takes in Raft's answer. */
  confirmed(context: Uint8Array, index: number, nowMs: number): void {
    if (this.#round === undefined || Buffer.from(context).toString() !== this.#round.context) return;
    this.#confirmed.push({ index, waiting: this.#round.waiting });
    this.#round = undefined;
    this.#start(nowMs);
  }

  /** Lets go the reads whose index is applied. */
  applied(index: number): void {
    while (this.#confirmed[0] !== undefined && this.#confirmed[0].index <= index)
      this.#confirmed.shift()?.waiting.forEach(({ resolve }) => resolve());
  }

  /** Asks again what was not answered, and gives up what has waited too long. */
  tick(nowMs: number): void {
    this.#confirmed = this.#confirmed.map(({ index, waiting }) => ({ index, waiting: stillWaiting(waiting, nowMs) }));
    if (this.#round !== undefined && nowMs - this.#round.sentMs >= RETRY_MS) this.leaderChanged(nowMs);
  }

  /** A leader is known (again): what was asked of the last one is lost. */
  leaderChanged(nowMs: number): void {
    const round = this.#round;
    if (round === undefined) return;
    this.#queue = [...stillWaiting(round.waiting, nowMs), ...this.#queue];
    this.#round = undefined;
    this.#start(nowMs);
  }

  /** Fails all that wait. */
  fail(error: Error): void {
    const rounds = [...this.#confirmed, ...(this.#round === undefined ? [] : [this.#round]), { waiting: this.#queue }];
    this.#confirmed = [];
    this.#round = undefined;
    this.#queue = [];
    for (const { waiting } of rounds) for (const { reject } of waiting) reject(error);
  }

  #start(nowMs: number): void {
    if (this.#queue.length === 0) return;
    this.#count += 1;
    this.#round = { context: `${this.#nonce}${this.#count}`, sentMs: nowMs, waiting: this.#queue };
    this.#queue = [];
    this.#request(Buffer.from(this.#round.context));
  }
}

/** Those whose time is not over; the others are told so. */
function stillWaiting(waiting: readonly Waiting[], nowMs: number): readonly Waiting[] {
  if (waiting.every(({ deadlineMs }) => deadlineMs > nowMs)) return waiting;
  for (const { deadlineMs, reject } of waiting) if (deadlineMs <= nowMs) reject(new EtcdError('Timeout'));
  return waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
}
