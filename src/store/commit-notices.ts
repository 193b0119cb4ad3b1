import type { MemberId } from '../raft/entry.ts';
import type { Message } from '../raft/message.ts';

/** How long a member that has proposed is told of commits at once: it waits to answer its clients. */
const EAGER_MS = 1000;

/**
 * Appends without entries, by which a leader tells how far the log is committed. The next append or heartbeat tells the
 * same; so these wait a moment, and under load go along instead of costing a message and an answer each. To members that
 * wait for it, because their own clients' proposals are under way, they go at once.
 */
export class CommitNotices {
  readonly #held = new Map<MemberId, Message>();
  readonly #proposedMs = new Map<MemberId, number>();

  /** Notes that a member has handed on a proposal. */
  proposed(by: MemberId, nowMs: number): void {
    this.#proposedMs.set(by, nowMs);
  }

  /** What of `messages` is to be sent now; the rest is held. */
  hold(messages: readonly Message[], nowMs: number): readonly Message[] {
    return messages.filter((message) => {
      const { to } = message;
      if (message.type !== 'MsgApp') return true;
      const isNotice = message.entries.length === 0;
      if (isNotice && nowMs - (this.#proposedMs.get(to) ?? -Infinity) > EAGER_MS) {
        this.#held.set(to, message);
        return false;
      }
      // It says at least as much as what was held.
      this.#held.delete(to);
      return true;
    });
  }

  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  /** What was held. */
  take(): readonly Message[] {
    const messages = [...this.#held.values()];
    this.#held.clear();
    return messages;
  }
}
