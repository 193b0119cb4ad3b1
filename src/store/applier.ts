import { decodeConfChange } from '../raft/conf-change.ts';
import type { ConfChange } from '../raft/conf-change.ts';
import type { Entry } from '../raft/entry.ts';
import type { ConfState } from '../raft/snapshot.ts';
import { command } from './command.ts';
import { EtcdError } from './etcd-api/etcd-error.ts';
import { changeContext } from './membership-change.ts';
import type { Applied, StateMachine } from './state-machine.ts';

/** What applying tells its owner. */
export interface ApplyListener {
  /** A proposal of a session was applied, or had been before. */
  onApplied(session: number, id: number, applied: Applied): void;
  /** Puts a change into force in Raft; gives the configuration now. */
  applyConfChange(change: ConfChange): ConfState;
  /** The members or the configuration changed. */
  onMembers(): void;
  onLeaseGranted(id: bigint): void;
}

/** Applies committed entries to the state, in order, and knows how far it is. */
export class Applier {
  readonly #state: StateMachine;
  readonly #listener: ApplyListener;
  index: number;
  confState: ConfState;

  constructor(state: StateMachine, index: number, confState: ConfState, listener: ApplyListener) {
    this.#state = state;
    this.#listener = listener;
    this.index = index;
    this.confState = confState;
  }

  /** Applies entries; those that are in the state already are passed over. */
  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index <= this.index) continue;
      this.index = entry.index;
      if (entry.type !== 'EntryNormal') this.#applyConfChange(entry);
      else if (entry.data.length > 0) this.#applyCommand(entry.data);
    }
  }

  #applyCommand(data: Uint8Array): void {
    const { session, id, ...change } = command.decode(data);
    if (!this.#state.sessions.enter(session, id)) {
      // Whoever still waits for it missed its result, for it came with a snapshot.
      this.#listener.onApplied(session, id, { error: new EtcdError('Timeout') });
      return;
    }
    const applied = this.#state.apply(change);
    if (change.leaseGrant !== undefined && applied.error === undefined)
      this.#listener.onLeaseGranted(change.leaseGrant.id);
    if (change.attributes !== undefined) this.#listener.onMembers();
    this.#listener.onApplied(session, id, applied);
  }

  #applyConfChange(entry: Entry): void {
    const change = decodeConfChange(entry);
    if (change === null) return;
    this.confState = this.#listener.applyConfChange(change);
    const [step] = change.steps;
    if (step === undefined) return;
    const { session, id, member } = changeContext.decode(change.context);
    const { members } = this.#state;
    if (step.type === 'remove') members.delete(step.id);
    else if (member !== undefined) {
      // A promotion was planned before the member may have told its name: that is kept.
      const known = members.get(step.id);
      members.set(step.id, known === undefined ? member : { ...known, peerUrls: member.peerUrls });
    }
    this.#state.sessions.enter(session, id);
    this.#listener.onMembers();
    this.#listener.onApplied(session, id, {});
  }
}
