import { decodeConfChange } from '../../../src/raft/conf-change.ts';
import type { RaftConfig } from '../../../src/raft/config.ts';
import type { Entry } from '../../../src/raft/entry.ts';
import { MemoryStorage } from '../../../src/raft/memory-storage.ts';
import { isLocalThread } from '../../../src/raft/message.ts';
import type { Message } from '../../../src/raft/message.ts';
import { RawNode } from '../../../src/raft/raw-node.ts';
import type { Ready } from '../../../src/raft/ready.ts';
import type { Snapshot } from '../../../src/raft/snapshot.ts';
import { isEmptyHardState } from '../../../src/raft/storage.ts';
import type { HardState } from '../../../src/raft/storage.ts';

/** What is written: from a `Ready` or from a message to the append thread. */
type Writes = Pick<Ready, 'entries' | 'snapshot'> & { readonly hardState: HardState | null };

/** A storage whose snapshot is always the newest state. */
class NewestSnapshotStorage extends MemoryStorage {
  readonly history: Snapshot[];

  constructor(first: Snapshot) {
    super();
    this.history = [first];
  }

  override snapshot(): Snapshot {
    return this.history.at(-1) ?? super.snapshot();
  }
}

/** A member under test, its owner's part played by the environment. Its state is all its commands, concatenated. */
export class TestMember {
  readonly config: RaftConfig;
  readonly node: RawNode;
  readonly storage: NewestSnapshotStorage;
  readonly appendWork: Message[] = [];
  readonly applyWork: Message[] = [];

  constructor(config: Omit<RaftConfig, 'storage'>, snapshot: Snapshot) {
    this.storage = new NewestSnapshotStorage(snapshot);
    if (snapshot.index > 0) this.storage.applySnapshot(snapshot);
    this.config = { ...config, storage: this.storage };
    this.node = new RawNode(this.config);
  }

  get id(): number {
    return this.config.id;
  }

  /** Does the work of a `Ready`; returns the messages for others. */
  handle(ready: Ready): Message[] {
    const isAsync = this.config.asyncStorageWrites === true;
    if (!isAsync) {
      this.append(ready);
      this.apply(ready.committedEntries);
    }
    const outgoing: Message[] = [];
    for (const message of ready.messages) {
      if (!isLocalThread(message.to)) outgoing.push(message);
      else if (message.type === 'MsgStorageAppend') this.appendWork.push(message);
      else this.applyWork.push(message);
    }
    if (!isAsync) this.node.advance();
    return outgoing;
  }

  append({ hardState, entries, snapshot }: Writes): void {
    if (hardState !== null && !isEmptyHardState(hardState)) this.storage.setHardState(hardState);
    if (snapshot !== null) this.storage.applySnapshot(snapshot);
    this.storage.append(entries);
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const change = decodeConfChange(entry);
      const last = this.storage.snapshot();
      const confState = change === null ? last.confState : this.node.applyConfChange(change);
      const update = change === null ? entry.data : change.context;
      const data = Uint8Array.from([...last.data, ...update]);
      this.storage.history.push({ index: entry.index, term: entry.term, confState, data });
    }
  }
}
