import type { Snapshot } from '../raft/snapshot.ts';

/** A state in chunks, as `encodeCheckpoint` gives them. */
export type StateChunks = readonly Buffer[];

/** The states that belong to Raft's snapshots, which carry none themselves. */
export class SnapshotStates {
  /** To be sent, for as long as Raft holds the snapshot. */
  readonly #outgoing = new WeakMap<Snapshot, Iterable<Buffer>>();
  /** Came with a message, until Raft has decided on it; and those that it took, until they are durable. By index. */
  readonly #offered = new Map<number, StateChunks>();
  readonly #accepted = new Map<number, StateChunks>();

  /** Notes the state of a snapshot of ours. */
  capture(snapshot: Snapshot, state: Iterable<Buffer>): void {
    this.#outgoing.set(snapshot, state);
  }

  /** The state to send with a snapshot of ours. */
  outgoing(snapshot: Snapshot | null): Iterable<Buffer> {
    return (snapshot === null ? undefined : this.#outgoing.get(snapshot)) ?? [];
  }

  /** Notes a state that came, while `deliver` gives its message to Raft; it is forgotten unless Raft takes it. */
  async offer(index: number, state: StateChunks, deliver: () => void): Promise<void> {
    this.#offered.set(index, state);
    deliver();
    // Raft takes it within this round of work, or never: it may know better already.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    this.#offered.delete(index);
  }

  /** Raft has taken this snapshot. */
  accept({ index }: Snapshot): void {
    const state = this.#offered.get(index);
    if (state !== undefined) this.#accepted.set(index, state);
  }

  /** The state of a snapshot that Raft took. */
  accepted({ index }: Snapshot): StateChunks {
    const state = this.#accepted.get(index);
    if (state === undefined) throw new Error(`the state of the snapshot at ${index} has not come`);
    return state;
  }

  /** Forgets a state that is durable and in force. */
  settle({ index }: Snapshot): void {
    this.#accepted.delete(index);
  }
}
