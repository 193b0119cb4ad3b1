import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Clock } from '../../host/clock.ts';
import { AnswerCache } from './answer-cache.ts';
import { layoutOf, withId, type Layout } from './wire.ts';

export interface Resolver {
  readonly host: string;
  readonly port: number;
}

export interface UpstreamOptions {
  /** Asked before each question: resolv.conf changes with the network. */
  readonly resolvers: () => Promise<readonly Resolver[]>;
  readonly clock: Clock;
  /** Per try; a client gives up after 5 s (resolv.conf(5)), by when two resolvers should have been asked. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 1500;
const TRIES_MAX = 4;
/** Questions on their way at once; more are refused, as each holds a socket. */
const PENDING_MAX = 512;
/** A resolver that failed is asked last for so long. */
const DISTRUST_MS = 10_000;
const SERVFAIL = 2;
const REFUSED = 5;

/** Asks the resolvers of the host what the cluster does not know, and keeps their answers for as long as they say. */
export class Upstream {
  readonly #options: UpstreamOptions;
  readonly #cache = new AnswerCache();
  readonly #pending = new Map<string, Promise<Buffer | undefined>>();
  readonly #failedMs = new Map<string, number>();

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** The answer to the question in `query`, under the query's id; undefined when no resolver gave one. */
  async ask(query: Buffer, signal: AbortSignal): Promise<Buffer | undefined> {
    const { clock } = this.#options;
    const layout = layoutOf(query);
    if (layout === undefined) return undefined;
    // What else in the query changes its answer: flags (RD, AD, CD), and EDNS with its DO bit.
    const key = `${query.readUInt16BE(2)} ${query.toString('latin1', layout.questionEnd)} ${layout.question}`;
    const id = query.readUInt16BE(0);
    const cached = this.#cache.get(key, clock.monotonicMs());
    if (cached !== undefined) return withId(cached, id);
    const pending = this.#pending.get(key) ?? this.#start(key, query, layout, signal);
    const answer = await pending;
    return answer === undefined ? undefined : withId(answer, id);
  }

  #start(key: string, query: Buffer, layout: Layout, signal: AbortSignal): Promise<Buffer | undefined> {
    if (this.#pending.size >= PENDING_MAX) return Promise.resolve(undefined);
    const asking = this.#askAll(query, layout, signal)
      .then((answer) => {
        if (answer !== undefined) this.#cache.put(key, answer, this.#options.clock.monotonicMs());
        return answer;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, asking);
    return asking;
  }

  async #askAll(query: Buffer, layout: Layout, signal: AbortSignal): Promise<Buffer | undefined> {
    const { clock, resolvers, timeoutMs = TIMEOUT_MS } = this.#options;
    const all = await resolvers();
    const rank = ({ host }: Resolver): number => {
      const failedMs = this.#failedMs.get(host);
      return failedMs !== undefined && clock.monotonicMs() - failedMs < DISTRUST_MS ? 1 : 0;
    };
    const ordered = all.toSorted((a, b) => rank(a) - rank(b));
    let last: Buffer | undefined;
    for (const resolver of [...ordered, ...ordered].slice(0, TRIES_MAX)) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        const answer = await exchange(query, layout, resolver, limit);
        const rcode = layoutOf(answer)?.rcode;
        if (rcode !== SERVFAIL && rcode !== REFUSED) return answer;
        last = answer;
      } catch {
        if (signal.aborted) return undefined;
        this.#failedMs.set(resolver.host, clock.monotonicMs());
      }
    }
    return last;
  }
}

/** By UDP, and by TCP when the answer did not fit. Rejects when aborted. */
async function exchange(query: Buffer, layout: Layout, resolver: Resolver, signal: AbortSignal): Promise<Buffer> {
  const own = withId(query, randomInt(0x10000));
  const answer = await byUdp(own, layout, resolver, signal);
  if (layoutOf(answer)?.isTruncated !== true) return answer;
  return byTcp(own, layout, resolver, signal).catch(() => answer); // the part is better than nothing
}

/** Whether `bytes` answers what was asked: same id, same question (RFC 5452 section 9.1). */
function isAnswer(bytes: Buffer, query: Buffer, { question }: Layout): boolean {
  const layout = layoutOf(bytes);
  return layout?.isResponse === true && layout.question === question && bytes.readUInt16BE(0) === query.readUInt16BE(0);
}

/** From a port of its own per question, which a forger has to guess along with the id. */
function byUdp(query: Buffer, layout: Layout, { host, port }: Resolver, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const end = (act: () => void): void => {
      signal.removeEventListener('abort', aborted);
      socket.close();
      act();
    };
    const aborted = (): void => end(() => reject(signal.reason as Error));
    socket.once('error', (error) => end(() => reject(error)));
    socket.on('message', (bytes) => {
      if (isAnswer(bytes, query, layout)) end(() => resolve(bytes));
    });
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    // Connected: the kernel drops what others send, and reports a closed port at once.
    return socket.connect(port, host, (error?: Error) => {
      if (error === undefined || error === null) socket.send(query);
      else end(() => reject(error));
    });
  });
}

function byTcp(query: Buffer, layout: Layout, { host, port }: Resolver, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    let received: Buffer = Buffer.alloc(0);
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const end = received.length < 2 ? Infinity : 2 + received.readUInt16BE(0);
      if (received.length < end) return;
      socket.destroy();
      const answer = received.subarray(2, end);
      if (isAnswer(answer, query, layout)) resolve(answer);
      else reject(new Error(`${host} answered another question`));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${host} closed the connection`)));
  });
}
