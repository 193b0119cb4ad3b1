import { randomInt } from 'node:crypto';
import type { Log } from '../host/log.ts';
import type { MemberId } from '../raft/entry.ts';
import { isLocalThread, LOCAL_APPEND_THREAD } from '../raft/message.ts';
import type { Message } from '../raft/message.ts';
import { RawNode } from '../raft/raw-node.ts';
import type { ReadState, SoftState } from '../raft/ready.ts';
import type { Storage } from '../raft/storage.ts';
import { CommitNotices } from './commit-notices.ts';
import { AdaptiveTimeouts, HEARTBEAT_TICKS, TICK_MS } from './adaptive-timeouts.ts';

/** Where the loop takes Raft's work. */
export interface RaftOwner {
  /** Writes to the log; the responses go to `step` when durable. */
  append(message: Message): void;
  /** Applies to the state, at once. */
  apply(message: Message): void;
  /** Sends to other members, or drops. */
  send(messages: readonly Message[]): void;
  onRead(read: ReadState): void;
  onSoftState(state: SoftState): void;
  onTick(): void;
}

/** When to campaign after the connection to the leader was lost: by chance, so that one comes first. */
const CAMPAIGN_MS_MIN = 20;
const CAMPAIGN_MS_MAX = 200;
/** Proposals' bytes that go together, as near as whole ones allow: as Raft's messages, and refused together. */
const BATCH_BYTES_MAX = 1 << 20;
/** How long news of a commit may wait for something to go along with. */
const NOTICE_MS = 2;
/** How long a leader that stops waits for its heir. */
const RESIGN_MS_MAX = 1000;

interface Proposal {
  readonly data: Uint8Array;
  readonly onRefused: () => void;
}

/**
 * Drives one RawNode: takes its work to where it is done. All that comes in
 * during one turn of the event loop makes one round of work, so that many
 * clients share one flush and one message.
 */
export class RaftLoop {
  readonly raw: RawNode;
  readonly timeouts = new AdaptiveTimeouts();
  /** The last term and commit index that Raft told. */
  term = 0;
  commit = 0;
  readonly #owner: RaftOwner;
  #proposals: Proposal[] = [];
  #isScheduled = false;
  #electionTicks: number;
  #timer: NodeJS.Timeout | undefined;
  #campaign: NodeJS.Timeout | undefined;
  #heartbeatSentMs = 0;
  readonly #notices = new CommitNotices();
  #noticeTimer: NodeJS.Timeout | undefined;

  constructor(id: MemberId, storage: Storage, applied: number, owner: RaftOwner, log: Log) {
    this.#owner = owner;
    this.#electionTicks = this.timeouts.electionTicks;
    const { hardState } = storage.initialState();
    this.term = hardState.term;
    this.commit = hardState.commit;
    this.raw = new RawNode({
      id,
      storage,
      applied,
      electionTicks: this.#electionTicks,
      heartbeatTicks: HEARTBEAT_TICKS,
      random: (n) => randomInt(n),
      asyncStorageWrites: true,
      preVote: true,
      checkQuorum: true,
      stepDownOnRemoval: true,
      log: {
        debug: () => undefined,
        info: (line) => log.debug(line),
        warn: (line) => log.warn(line),
        error: (line) => log.error(line),
      },
    });
  }

  /** Starts the ticks; the first member of all does not wait for a leader that cannot be. */
  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    const { id, membership } = this.raw.status();
    const { incoming, outgoing } = membership.voters;
    if (incoming.size === 1 && incoming.has(id) && outgoing.size === 0) this.raw.campaign();
    this.schedule();
  }

  stop(): void {
    clearTimeout(this.#campaign);
    clearTimeout(this.#noticeTimer);
    clearInterval(this.#timer);
  }

  /** Has the work done that is there, at the end of this turn of the event loop. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#drive();
    });
  }

  /** Proposes an entry, together with all others of this turn. @param onRefused called when Raft does not take it */
  propose(data: Uint8Array, onRefused: () => void): void {
    this.#proposals.push({ data, onRefused });
    this.schedule();
  }

  /** Takes in a message from another member. */
  receive(message: Message): void {
    if (message.type === 'MsgProp') this.#notices.proposed(message.from, performance.now());
    if (message.type === 'MsgHeartbeatResp') this.timeouts.answered(performance.now() - this.#heartbeatSentMs);
    this.raw.step(message);
    this.schedule();
  }

  /** Delivers the responses of finished storage work: to ourselves, and to others. */
  respond(work: Message): void {
    const others: Message[] = [];
    for (const response of work.responses)
      if (response.to === work.from) this.raw.step(response);
      else others.push(response);
    if (others.length > 0) this.#owner.send(others);
    this.schedule();
  }

  /**
   * The connection to the leader is lost: mostly its process has died, and waiting would not bring it back. Campaigns
   * soon; should the leader live, the others still hear from it, and no pre-vote is given (Raft thesis section 9.6).
   */
  leaderLost(): void {
    this.raw.forgetLeader();
    this.schedule();
    clearTimeout(this.#campaign);
    this.#campaign = setTimeout(
      () => {
        if (this.raw.softState().lead === 0) this.raw.campaign();
        this.schedule();
      },
      randomInt(CAMPAIGN_MS_MIN, CAMPAIGN_MS_MAX),
    );
  }

  /** Hands leadership on before this member stops; settles when it is done, or cannot be. */
  async resign(): Promise<void> {
    const { id, membership, progress } = this.raw.status();
    const { incoming } = membership.voters;
    const heirs = [...progress].filter(
      ([other, { isRecentlyActive }]) => other !== id && incoming.has(other) && isRecentlyActive,
    );
    const [heir] = heirs.toSorted(([, a], [, b]) => b.match - a.match);
    if (heir === undefined) return;
    this.raw.transferLeader(heir[0]);
    this.schedule();
    for (const endMs = performance.now() + RESIGN_MS_MAX; performance.now() < endMs;) {
      if (this.raw.softState().role !== 'StateLeader') return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #tick(): void {
    const { electionTicks } = this.timeouts;
    if (electionTicks !== this.#electionTicks) {
      this.#electionTicks = electionTicks;
      this.raw.setTicks(electionTicks, HEARTBEAT_TICKS);
    }
    this.raw.tick();
    this.#owner.onTick();
    // Most ticks bring nothing, and another turn of the event loop is most of what they would cost.
    if (this.raw.hasReady()) this.schedule();
  }

  #send(outgoing: readonly Message[]): void {
    const now = this.#notices.hold(outgoing, performance.now());
    if (now.length > 0) this.#owner.send(now);
    if (this.#notices.isEmpty || this.#noticeTimer !== undefined) return;
    this.#noticeTimer = setTimeout(() => {
      this.#noticeTimer = undefined;
      const held = this.#notices.take();
      if (held.length > 0) this.#owner.send(held);
    }, NOTICE_MS);
  }

  /** As few proposals as there may be: each is a message to every follower, and an answer. */
  #proposeAll(): void {
    for (const batch of batches(this.#proposals)) {
      const refusal = this.raw.proposeAll(batch.map(({ data }) => data));
      if (refusal !== null) for (const { onRefused } of batch) onRefused();
    }
    this.#proposals = [];
  }

  #drive(): void {
    if (this.#proposals.length > 0) this.#proposeAll();
    while (this.raw.hasReady()) {
      const ready = this.raw.ready();
      if (ready.hardState !== null) {
        this.term = ready.hardState.term;
        this.commit = ready.hardState.commit;
      }
      if (ready.softState !== null) this.#owner.onSoftState(ready.softState);
      const outgoing: Message[] = [];
      const applies: Message[] = [];
      for (const message of ready.messages) {
        if (message.to === LOCAL_APPEND_THREAD) this.#owner.append(message);
        else if (isLocalThread(message.to)) applies.push(message);
        else outgoing.push(message);
      }
      if (outgoing.some(({ type }) => type === 'MsgHeartbeat')) this.#heartbeatSentMs = performance.now();
      if (outgoing.length > 0) this.#send(outgoing);
      for (const read of ready.readStates) this.#owner.onRead(read);
      for (const apply of applies) {
        this.#owner.apply(apply);
        this.respond(apply);
      }
    }
  }
}

function batches(proposals: readonly Proposal[]): readonly Proposal[][] {
  const all: Proposal[][] = [];
  let bytes = Infinity;
  for (const proposal of proposals) {
    bytes += proposal.data.length;
    if (bytes > BATCH_BYTES_MAX) {
      all.push([]);
      bytes = proposal.data.length;
    }
    all.at(-1)?.push(proposal);
  }
  return all;
}
