import { EtcdError } from './etcd-api/etcd-error.ts';
import type { Applied } from './state-machine.ts';

interface Waiting {
  readonly bytes: number;
  readonly deadlineMs: number;
  readonly send: () => boolean;
  readonly resolve: (applied: Applied) => void;
  readonly reject: (error: Error) => void;
  /** When it was last handed to Raft; -Infinity: never taken. */
  sentMs: number;
}

/** How long a proposal waits to be applied (etcd: 5 s + two election timeouts). */
const TIMEOUT_MS = 7000;
/** A proposal may be lost on its way to the leader. */
const RETRY_MS = 1000;
/** Proposals under way; etcd turns down more than 5000 that are committed and not applied. */
const WAITING_MAX = 5000;
/** What they may hold together; the leader takes half of it at a time. */
const WAITING_BYTES_MAX = 64 << 20;

/**
 * Proposals under way. One whose fate is unknown, because the leader changed
 * or nothing was heard, is proposed again under the same id: the state
 * applies it once.
 */
export class Proposals {
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #bytes = 0;

  /**
   * Hands a proposal to Raft and settles when it is applied here.
   *
   * @param makeSend gives what proposes it under an id; that returns false when Raft did not take it
   * @param bytes that it keeps in memory meanwhile
   * @throws EtcdError TooManyRequests; Timeout: then it may still be applied
   */
  propose(nowMs: number, makeSend: (id: number) => () => boolean, bytes = 0): Promise<Applied> {
    const isFull = this.#waiting.size >= WAITING_MAX || this.#bytes + bytes > WAITING_BYTES_MAX;
    if (isFull) return Promise.reject(new EtcdError('TooManyRequests'));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const send = makeSend(id);
      const waiting: Waiting = { bytes, deadlineMs: nowMs + TIMEOUT_MS, send, resolve, reject, sentMs: -Infinity };
      this.#waiting.set(id, waiting);
      this.#bytes += bytes;
      if (send()) waiting.sentMs = nowMs;
    });
  }

  /** Whether anybody here waits for this proposal. */
  has(id: number): boolean {
    return this.#waiting.has(id);
  }

  /** Raft did not take a proposal after all: it is sent again with the next tick. */
  refused(id: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) waiting.sentMs = -Infinity;
  }

  /** Tells what a proposal gave. */
  applied(id: number, applied: Applied): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#forget(id, waiting);
    if (applied.error === undefined) waiting.resolve(applied);
    else waiting.reject(applied.error);
  }

  /** A leader is known (again): whatever waits may have been lost with the last one. */
  leaderChanged(nowMs: number): void {
    for (const waiting of this.#waiting.values()) this.#send(waiting, nowMs);
  }

  /** Proposes again what was not taken or not heard of, and gives up what has waited too long. */
  tick(nowMs: number): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.deadlineMs <= nowMs) {
        this.#forget(id, waiting);
        waiting.reject(new EtcdError('Timeout'));
      } else if (nowMs - waiting.sentMs >= RETRY_MS) this.#send(waiting, nowMs);
    }
  }

  /** Fails all that wait. */
  fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#bytes = 0;
  }

  #forget(id: number, { bytes }: Waiting): void {
    this.#waiting.delete(id);
    this.#bytes -= bytes;
  }

  #send(waiting: Waiting, nowMs: number): void {
    waiting.sentMs = waiting.send() ? nowMs : -Infinity;
  }
}
