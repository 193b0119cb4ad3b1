import type { ConfChange } from '../raft/conf-change.ts';
import { command } from './command.ts';
import type { Change } from './command.ts';
import { EtcdError } from './etcd-api/etcd-error.ts';
import { ALARM_ACTION, ALARM_TYPE } from './etcd-api/maintenance.ts';
import { randomId } from './member-info.ts';
import { Proposals } from './proposals.ts';
import type { RaftLoop } from './raft-loop.ts';
import { changeBytes } from './state-machine.ts';
import type { Applied, StateMachine } from './state-machine.ts';

/** What a proposer works with, and its limits. */
export interface ProposerOptions {
  readonly memberId: number;
  readonly state: StateMachine;
  readonly loop: RaftLoop;
  readonly hasLeader: () => boolean;
  readonly quotaBytes: number;
  /** Largest change. */
  readonly requestBytesMax: number;
}

/** Brings changes into the log, each once, and tells what became of them. */
export class Proposer {
  readonly #options: ProposerOptions;
  readonly #proposals = new Proposals();
  /** This life of the member, in the log. */
  readonly #session = randomId();

  constructor(options: ProposerOptions) {
    this.#options = options;
  }

  /** Settles when the change is applied here. @throws EtcdError */
  async propose(change: Change): Promise<Applied> {
    this.#checkQuota(change);
    const { loop, hasLeader, requestBytesMax } = this.#options;
    const makeSend = (id: number) => {
      const data = command.encode({ ...change, session: this.#session, id });
      if (data.length > requestBytesMax) throw new EtcdError('RequestTooLarge');
      return () => {
        if (!hasLeader()) return false;
        loop.propose(data, () => this.#proposals.refused(id));
        return true;
      };
    };
    return this.#proposals.propose(performance.now(), makeSend, changeBytes(change));
  }

  /** Settles when a change of the configuration is in force here. @param makeChange gives it, with its id and session in the context */
  async proposeConfChange(makeChange: (session: number, id: number) => ConfChange): Promise<void> {
    const { loop } = this.#options;
    await this.#proposals.propose(performance.now(), (id) => {
      const change = makeChange(this.#session, id);
      return () => {
        loop.schedule();
        return loop.raw.proposeConfChange(change) === null;
      };
    });
  }

  /** Tells what a proposal of a session, of this or another one, gave. */
  applied(session: number, id: number, applied: Applied): void {
    if (session === this.#session) this.#proposals.applied(id, applied);
  }

  /** A leader is known (again). */
  leaderChanged(nowMs: number): void {
    this.#proposals.leaderChanged(nowMs);
  }

  /** Time has passed. */
  tick(nowMs: number): void {
    this.#proposals.tick(nowMs);
  }

  /** Fails all that are under way. */
  fail(error: Error): void {
    this.#proposals.fail(error);
  }

  #checkQuota(change: Change): void {
    const { state, memberId, quotaBytes } = this.#options;
    const bytes = changeBytes(change);
    if (bytes === 0 || state.store.bytes + bytes <= quotaBytes) return;
    const alarm = { action: ALARM_ACTION.activate, memberId: BigInt(memberId), alarm: ALARM_TYPE.noSpace };
    if (!state.isOutOfSpace) this.propose({ alarm }).catch(() => undefined); // the next write tries again
    throw new EtcdError('NoSpace');
  }
}
