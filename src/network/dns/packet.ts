import * as dns from 'dns-packet';

/** DNS messages as we make and read them. The one file that knows dns-packet. */
export type DnsRecord =
  | {
      readonly type: 'A' | 'AAAA' | 'CNAME' | 'PTR' | 'NS';
      readonly name: string;
      readonly ttl: number;
      readonly data: string;
    }
  | { readonly type: 'TXT'; readonly name: string; readonly ttl: number; readonly data: string }
  | {
      readonly type: 'SRV';
      readonly name: string;
      readonly ttl: number;
      readonly data: {
        readonly priority: number;
        readonly weight: number;
        readonly port: number;
        readonly target: string;
      };
    }
  | {
      readonly type: 'SOA';
      readonly name: string;
      readonly ttl: number;
      readonly data: {
        readonly mname: string;
        readonly rname: string;
        readonly serial: number;
        readonly refresh: number;
        readonly retry: number;
        readonly expire: number;
        readonly minimum: number;
      };
    };

/** RFC 1035 section 4.1.1. */
const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
export type Rcode = keyof typeof RCODES;

/** One question of a client. */
export interface Query {
  readonly id: number;
  /** As asked, without the last dot. */
  readonly name: string;
  /** `A`, `SRV`, or `UNKNOWN_65` for what we have no name for. */
  readonly type: string;
  readonly class: string;
  /** 0: a plain query. */
  readonly opcode: number;
  readonly isRecursionDesired: boolean;
  readonly hasEdns: boolean;
  /** The largest UDP answer that the client takes, in bytes. */
  readonly udpBytesMax: number;
}

/** What is answered. */
export interface Reply {
  readonly rcode: Rcode;
  readonly isAuthoritative: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

/** Without EDNS0 (RFC 1035 section 4.2.1). */
const UDP_BYTES_PLAIN = 512;
/** With it, whatever the client says: what passes every network unfragmented (DNS flag day 2020). */
const UDP_BYTES_MAX = 1232;

/** Reads a query; undefined for what is none: a response, garbage, another number of questions than one. */
export function parseQuery(bytes: Buffer): Query | undefined {
  const packet = decode(bytes);
  const [question, second] = packet?.questions ?? [];
  if (packet?.type !== 'query' || question === undefined || second !== undefined) return undefined;
  const edns = packet.additionals?.find((record) => record.type === 'OPT');
  const advertised = edns?.type === 'OPT' ? edns.udpPayloadSize : UDP_BYTES_PLAIN;
  return {
    id: packet.id ?? 0,
    name: question.name === '.' ? '' : question.name,
    type: question.type,
    class: question.class ?? 'IN',
    opcode: (bytes.readUInt16BE(2) >>> 11) & 15,
    isRecursionDesired: packet.flag_rd,
    hasEdns: edns !== undefined,
    udpBytesMax: Math.min(Math.max(UDP_BYTES_PLAIN, advertised), UDP_BYTES_MAX),
  };
}

function decode(bytes: Buffer): dns.DecodedPacket | undefined {
  try {
    return dns.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The whole answer, however long; for UDP it may have to be cut (wire.ts). */
export function encodeReply(query: Query, reply: Reply): Buffer {
  const flags =
    (reply.isAuthoritative ? dns.AUTHORITATIVE_ANSWER : 0) |
    (query.isRecursionDesired ? dns.RECURSION_DESIRED : 0) |
    dns.RECURSION_AVAILABLE |
    RCODES[reply.rcode];
  const edns: dns.OptAnswer[] = query.hasEdns
    ? [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: UDP_BYTES_MAX,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ]
    : [];
  return dns.encode({
    type: 'response',
    id: query.id,
    flags,
    questions: [
      {
        name: query.name === '' ? '.' : query.name,
        type: query.type as dns.RecordType,
        class: query.class as dns.RecordClass,
      },
    ],
    answers: reply.answers.map(toAnswer),
    authorities: (reply.authorities ?? []).map(toAnswer),
    additionals: [...(reply.additionals ?? []).map(toAnswer), ...edns],
  });
}

/** A query of ours to an upstream resolver. */
export function encodeQuery(id: number, name: string, type: 'A' | 'AAAA'): Buffer {
  return dns.encode({ type: 'query', id, flags: dns.RECURSION_DESIRED, questions: [{ name, type }] });
}

/** The answer section of a response, as far as it is addresses and aliases. */
export function answersIn(response: Buffer): DnsRecord[] {
  return (decode(response)?.answers ?? []).flatMap((answer) => {
    if (answer.type !== 'A' && answer.type !== 'AAAA' && answer.type !== 'CNAME') return [];
    return [{ type: answer.type, name: answer.name, ttl: answer.ttl ?? 0, data: answer.data }];
  });
}

function toAnswer(record: DnsRecord): dns.Answer {
  const { name, ttl } = record;
  switch (record.type) {
    case 'SRV':
      return { type: 'SRV', name, ttl, data: { ...record.data } };
    case 'SOA':
      return { type: 'SOA', name, ttl, data: { ...record.data } };
    case 'TXT':
      return { type: 'TXT', name, ttl, data: record.data };
    default:
      return { type: record.type, name, ttl, data: record.data };
  }
}
