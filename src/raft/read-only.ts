import { EMPTY } from './entry.ts';
import type { Index, MemberId } from './entry.ts';
import type { Message } from './message.ts';
import { jointIndex } from './quorum.ts';
import type { Voters } from './quorum.ts';

/** A read request, and the commit index when it came. */
export interface PendingRead {
  readonly request: Message;
  readonly index: Index;
}

/**
 * Read requests that wait for proof that we still lead: a quorum's answers to a heartbeat sent after they came
 * (Raft thesis section 6.4).
 *
 * Requests are numbered as they come; a heartbeat carries the number of the newest, and its answer confirms that and
 * all before it.
 */
export class ReadOnly {
  readonly #acks = new Map<MemberId, number>();
  #waiting: PendingRead[] = [];
  #confirmed = 0;

  get waitingCount(): number {
    return this.#waiting.length;
  }

  add(request: Message, index: Index): void {
    this.#waiting.push({ request, index });
  }

  /** Carried by heartbeats; empty when nobody waits. */
  heartbeatContext(): Uint8Array {
    return this.#waiting.length === 0 ? EMPTY : encodeNumber(this.#confirmed + this.#waiting.length);
  }

  /** Takes in that a member answered a heartbeat with this context. */
  receiveAck(from: MemberId, context: Uint8Array): void {
    if (context.length === 0) return;
    this.#acks.set(from, Math.max(this.#acks.get(from) ?? 0, decodeNumber(context)));
  }

  /** The requests that are confirmed now, in the order in which they came. */
  takeConfirmed(voters: Voters): readonly PendingRead[] {
    const confirmed = jointIndex(voters, (id) => this.#acks.get(id));
    if (confirmed <= this.#confirmed) return [];
    const ready = this.#waiting.splice(0, confirmed - this.#confirmed);
    this.#confirmed += ready.length;
    return ready;
  }
}

const NUMBER_BYTES = 8;

function encodeNumber(value: number): Uint8Array {
  const bytes = new Uint8Array(NUMBER_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

/** 0, which confirms nothing, for bytes that are not ours. */
function decodeNumber(bytes: Uint8Array): number {
  if (bytes.length < NUMBER_BYTES) return 0;
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
}
