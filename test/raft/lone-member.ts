import type { ConfChangeType } from '../../src/raft/conf-change.ts';
import { EMPTY } from '../../src/raft/entry.ts';
import type { Entry, Index, Term } from '../../src/raft/entry.ts';
import type { RaftConfig } from '../../src/raft/config.ts';
import { MemoryStorage } from '../../src/raft/memory-storage.ts';
import { createMessage } from '../../src/raft/message.ts';
import type { Message, MessageFields } from '../../src/raft/message.ts';
import { RawNode } from '../../src/raft/raw-node.ts';
import type { ReadState } from '../../src/raft/ready.ts';
import { EMPTY_SNAPSHOT } from '../../src/raft/snapshot.ts';
import type { HardState } from '../../src/raft/storage.ts';

/** How the member under test starts. */
export interface LoneOptions extends Partial<RaftConfig> {
  /** Default 1, 2 and 3. */
  readonly voters?: readonly number[];
  /** Terms of the entries it has, from index 1 on. */
  readonly terms?: readonly Term[];
  readonly hardState?: Partial<HardState>;
}

/** Member 1 alone, with messages fed by hand; writes are done at once. */
export class LoneMember {
  readonly node: RawNode;
  readonly storage = new MemoryStorage();
  readonly applied: Entry[] = [];
  readonly readStates: ReadState[] = [];

  constructor({ voters = [1, 2, 3], terms = [], hardState = {}, ...config }: LoneOptions = {}) {
    const confState = { ...EMPTY_SNAPSHOT.confState, voters };
    this.storage.applySnapshot({ ...EMPTY_SNAPSHOT, confState });
    this.storage.append(entriesOf(terms));
    this.storage.setHardState({ term: terms.at(-1) ?? 0, vote: 0, commit: 0, ...hardState });
    const defaults = { id: 1, electionTicks: 10, heartbeatTicks: 1, random: () => 0 };
    this.node = new RawNode({ ...defaults, storage: this.storage, ...config });
  }

  get role(): string {
    return this.node.softState().role;
  }

  get term(): Term {
    return this.node.status().hardState.term;
  }

  get commit(): Index {
    return this.node.status().hardState.commit;
  }

  /** Terms of the log, from the first entry on. */
  get terms(): Term[] {
    return (this.storage.entries(this.storage.firstIndex(), this.storage.lastIndex() + 1, Infinity) ?? []).map(
      ({ term }) => term,
    );
  }

  /** Feeds one message, with `to` 1 and the member's own term unless given. @returns what the member sends then */
  receive(fields: MessageFields): Message[] {
    this.node.step(createMessage({ to: 1, term: this.term, ...fields }));
    return this.drain();
  }

  propose(text: string): Message[] {
    this.node.propose(new TextEncoder().encode(text));
    return this.drain();
  }

  tick(count: number): Message[] {
    const sent: Message[] = [];
    for (let tick = 0; tick < count; tick += 1) {
      this.node.tick();
      sent.push(...this.drain());
    }
    return sent;
  }

  /** Does all the work there is. @returns the messages to others */
  drain(): Message[] {
    const sent: Message[] = [];
    while (this.node.hasReady()) {
      const ready = this.node.ready();
      if (ready.hardState !== null) this.storage.setHardState(ready.hardState);
      if (ready.snapshot !== null) this.storage.applySnapshot(ready.snapshot);
      this.storage.append(ready.entries);
      sent.push(...ready.messages);
      this.applied.push(...ready.committedEntries);
      this.readStates.push(...ready.readStates);
      this.node.advance();
    }
    return sent;
  }

  /** Makes the member lead: it campaigns, and these others vote for it. */
  lead(...voters: readonly number[]): Message[] {
    this.node.campaign();
    const sent = this.drain();
    for (const from of voters) sent.push(...this.receive({ type: 'MsgVoteResp', from }));
    return sent;
  }
}

/** Empty entries of these terms, from index 1 on. */
export function entriesOf(terms: readonly Term[], first: Index = 1): Entry[] {
  return terms.map((term, at) => ({ term, index: first + at, type: 'EntryNormal', data: EMPTY }));
}

/** A message in short: what a test compares. */
export function brief({ type, to, reject, index }: Message): string {
  return `${type} to ${to} ${reject ? 'no' : 'yes'} ${index}`;
}

/** Has the member apply a change of one member, as if it were committed. */
export function changeApplied(member: LoneMember, type: ConfChangeType, id: number): void {
  member.node.applyConfChange({ transition: 'auto', steps: [{ type, id }], context: EMPTY });
  member.drain();
}
