import type { ClusterZone, ZoneAnswer } from './cluster-zone.ts';
import { answersIn, encodeQuery, encodeReply, parseQuery, type DnsRecord, type Query, type Rcode } from './packet.ts';
import type { Upstream } from './upstream.ts';
import { fitted } from './wire.ts';

export interface AnswererOptions {
  readonly zone: ClusterZone;
  readonly upstream: Upstream;
  /** Whether the zone has been filled. Before, its names may not be denied. */
  readonly isReady: () => boolean;
  readonly random?: () => number;
}

/** Aliases that lead to aliases, within the cluster. */
const ALIASES_MAX = 8;

/** Answers messages of clients: the cluster's names from the zone, all others by the upstream resolvers. */
export class Answerer {
  readonly #options: AnswererOptions;

  constructor(options: AnswererOptions) {
    this.#options = options;
  }

  /** The answer to one message; undefined for what deserves none. @param isTcp nothing is cut */
  async answer(message: Buffer, isTcp: boolean, signal: AbortSignal): Promise<Buffer | undefined> {
    const query = parseQuery(message);
    if (query === undefined) return undefined;
    const whole = await this.#answer(query, message, signal);
    return isTcp ? whole : fitted(whole, query.udpBytesMax);
  }

  async #answer(query: Query, message: Buffer, signal: AbortSignal): Promise<Buffer> {
    const { zone, upstream, isReady } = this.#options;
    if (query.opcode !== 0) return refusal(query, 'NOTIMP');
    if (query.class !== 'IN') return refusal(query, 'REFUSED');
    const found = zone.lookup(query.name, query.type);
    if (found.kind === 'outside') return (await upstream.ask(message, signal)) ?? refusal(query, 'SERVFAIL');
    if (!isReady()) return refusal(query, 'SERVFAIL');
    if (found.kind === 'alias') return this.#follow(query, found, signal);
    return this.#own(query, found);
  }

  #own(query: Query, found: Exclude<ZoneAnswer, { kind: 'outside' | 'alias' }>): Buffer {
    const isAuthoritative = true;
    if (found.kind === 'records') {
      const { additionals = [] } = found;
      return encodeReply(query, {
        rcode: 'NOERROR',
        isAuthoritative,
        answers: this.#shuffled(found.answers),
        additionals,
      });
    }
    const rcode: Rcode = found.kind === 'noData' ? 'NOERROR' : 'NXDOMAIN';
    return encodeReply(query, { rcode, isAuthoritative, answers: [], authorities: [this.#options.zone.soa()] });
  }

  /** Clients ask once and expect the addresses at the end of the aliases with them. */
  async #follow(query: Query, first: ZoneAnswer & { kind: 'alias' }, signal: AbortSignal): Promise<Buffer> {
    const { zone, upstream } = this.#options;
    const answers: DnsRecord[] = [...first.answers];
    let target = first.target;
    for (let i = 0; i < ALIASES_MAX && (query.type === 'A' || query.type === 'AAAA'); i += 1) {
      const next = zone.lookup(target, query.type);
      if (next.kind === 'outside') {
        const response = await upstream.ask(encodeQuery(query.id, target, query.type), signal);
        if (response === undefined) return refusal(query, 'SERVFAIL');
        answers.push(...answersIn(response));
        break;
      }
      if (next.kind !== 'records' && next.kind !== 'alias') break;
      answers.push(...next.answers);
      if (next.kind === 'records') break;
      target = next.target;
    }
    return encodeReply(query, { rcode: 'NOERROR', isAuthoritative: true, answers });
  }

  /** Clients take the first address: each in its turn. */
  #shuffled(answers: readonly DnsRecord[]): readonly DnsRecord[] {
    const { random = Math.random } = this.#options;
    if (answers.length < 2) return answers;
    const start = Math.floor(random() * answers.length);
    return [...answers.slice(start), ...answers.slice(0, start)];
  }
}

function refusal(query: Query, rcode: Rcode): Buffer {
  return encodeReply(query, { rcode, isAuthoritative: false, answers: [] });
}
