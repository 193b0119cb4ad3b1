import { StatusError } from '../api/status.ts';

const READ_VERBS = new Set(['get', 'list', 'head', 'options']);
/** Upstream's defaults for --max-requests-inflight and --max-mutating-requests-inflight. */
const READS_MAX = 400;
const WRITES_MAX = 200;

/** Bounds how many requests are worked on at once. Those who administer the cluster always get through. */
export class InFlight {
  #reads = 0;
  #writes = 0;

  get reads(): number {
    return this.#reads;
  }

  get writes(): number {
    return this.#writes;
  }

  /** Counts a request in; gives the function that counts it out. @throws StatusError TooManyRequests */
  enter(verb: string, groups: readonly string[]): () => void {
    const isRead = READ_VERBS.has(verb);
    const isFull = isRead ? this.#reads >= READS_MAX : this.#writes >= WRITES_MAX;
    if (isFull && !groups.includes('system:masters'))
      throw new StatusError('TooManyRequests', 'Too many requests, please try again later.', {
        details: { retryAfterSeconds: 1 },
      });
    if (isRead) this.#reads += 1;
    else this.#writes += 1;
    return () => {
      if (isRead) this.#reads -= 1;
      else this.#writes -= 1;
    };
  }
}
