import type { MemberId } from '../../../src/raft/entry.ts';
import type { Message } from '../../../src/raft/message.ts';
import type { Random } from './random.ts';

/** How bad the network is. */
export interface NetworkFaults {
  readonly lossOneIn: number;
  readonly repeatOneIn: number;
  /** Ticks a message may take; those sent later may come first. */
  readonly delayMax: number;
}

/** No faults: every message takes one tick. */
export const HEALTHY: NetworkFaults = { lossOneIn: Infinity, repeatOneIn: Infinity, delayMax: 1 };

/** Messages on the way: lost, late, out of order, twice, or cut off. */
export class Network {
  faults: NetworkFaults;
  readonly #random: Random;
  #onTheWay: { readonly message: Message; readonly at: number }[] = [];
  #cut: ReadonlySet<MemberId> = new Set();
  #isOneWay = false;

  constructor(random: Random, faults: NetworkFaults) {
    this.#random = random;
    this.faults = faults;
  }

  /** @returns whether it will arrive, unless the network is cut meanwhile */
  send(message: Message, now: number): boolean {
    if (this.#random.oneIn(this.faults.lossOneIn) || this.#isCut(message)) return false;
    const copies = this.#random.oneIn(this.faults.repeatOneIn) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      this.#onTheWay.push({ message, at: now + 1 + this.#random.below(this.faults.delayMax) });
    }
    return true;
  }

  /** Takes out what arrives now. */
  takeDue(now: number): Message[] {
    const due = this.#onTheWay.filter(({ at }) => at <= now);
    this.#onTheWay = this.#onTheWay.filter(({ at }) => at > now);
    return due.map(({ message }) => message).filter((message) => !this.#isCut(message));
  }

  /** Cuts these members off from the others: both ways, or only what they send. */
  cut(members: readonly MemberId[], isOneWay: boolean): void {
    this.#cut = new Set(members);
    this.#isOneWay = isOneWay;
  }

  heal(): void {
    this.#cut = new Set();
  }

  #isCut({ from, to }: Message): boolean {
    const isLeaving = this.#cut.has(from) && !this.#cut.has(to);
    const isEntering = !this.#cut.has(from) && this.#cut.has(to);
    return isLeaving || (isEntering && !this.#isOneWay);
  }
}
