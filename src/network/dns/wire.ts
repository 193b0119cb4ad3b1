/**
 * DNS messages as bytes (RFC 1035 section 4), for what is passed on without being understood: any type of record goes
 * through untouched.
 */

const HEADER_BYTES = 12;
const TRUNCATED = 0x0200;
const RESPONSE = 0x8000;
const TYPE_SOA = 6;
const TYPE_OPT = 41;
const NOERROR = 0;
const NXDOMAIN = 3;

interface RawRecord {
  readonly section: 'answer' | 'authority' | 'additional';
  readonly type: number;
  readonly ttl: number;
  readonly ttlOffset: number;
  readonly end: number;
}

/** Where things are in a message. */
export interface Layout {
  readonly isResponse: boolean;
  readonly isTruncated: boolean;
  readonly rcode: number;
  /** Name, type and class of the question, in lower case: equal for equal questions. */
  readonly question: string;
  readonly questionEnd: number;
  readonly records: readonly RawRecord[];
}

/** Finds its way through a message; undefined when it is broken, or has not exactly one question. */
export function layoutOf(message: Buffer): Layout | undefined {
  try {
    if (message.readUInt16BE(4) !== 1) return undefined;
    const questionEnd = nameEnd(message, HEADER_BYTES) + 4;
    const counts = [message.readUInt16BE(6), message.readUInt16BE(8), message.readUInt16BE(10)] as const;
    const records: RawRecord[] = [];
    let offset = questionEnd;
    for (const [index, section] of (['answer', 'authority', 'additional'] as const).entries()) {
      for (let i = 0; i < (counts[index] ?? 0); i += 1) {
        const start = nameEnd(message, offset);
        const end = start + 10 + message.readUInt16BE(start + 8);
        if (end > message.length) return undefined;
        const ttl = message.readUInt32BE(start + 4);
        records.push({ section, type: message.readUInt16BE(start), ttl, ttlOffset: start + 4, end });
        offset = end;
      }
    }
    if (questionEnd > message.length) return undefined;
    const flags = message.readUInt16BE(2);
    return {
      isResponse: (flags & RESPONSE) !== 0,
      isTruncated: (flags & TRUNCATED) !== 0,
      rcode: flags & 15,
      question: message.toString('latin1', HEADER_BYTES, questionEnd).toLowerCase(),
      questionEnd,
      records,
    };
  } catch {
    return undefined; // read past the end
  }
}

/** The end of a name that begins at `offset`: after its zero byte, or after its pointer. */
function nameEnd(message: Buffer, offset: number): number {
  let at = offset;
  for (;;) {
    const length = message.readUInt8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) throw new RangeError('a label of more than 63 bytes');
    at += length + 1;
  }
}

/** A copy with another id. */
export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** A copy whose times to live are less by what has gone by. */
export function aged(message: Buffer, layout: Layout, seconds: number): Buffer {
  const copy = Buffer.from(message);
  for (const { type, ttl, ttlOffset } of layout.records)
    if (type !== TYPE_OPT) copy.writeUInt32BE(Math.max(0, ttl - seconds), ttlOffset);
  return copy;
}

/**
 * For how many seconds a response may be kept: the least time to live of its records; for "no such name" and "no such
 * record" that of the SOA, at most its minimum (RFC 2308 section 5). 0: not at all.
 */
export function cacheSeconds(message: Buffer, { rcode, records, isTruncated }: Layout): number {
  if (isTruncated || (rcode !== NOERROR && rcode !== NXDOMAIN)) return 0;
  const answers = records.filter(({ section }) => section === 'answer');
  if (rcode === NOERROR && answers.length > 0) return Math.min(...answers.map(({ ttl }) => ttl));
  const soa = records.find(({ section, type }) => section === 'authority' && type === TYPE_SOA);
  return soa === undefined ? 0 : Math.min(soa.ttl, message.readUInt32BE(soa.end - 4));
}

/** The message, if need be without the records that do not fit, and then marked as truncated. */
export function fitted(message: Buffer, bytesMax: number): Buffer {
  if (message.length <= bytesMax) return message;
  const layout = layoutOf(message);
  if (layout === undefined) return message.subarray(0, HEADER_BYTES);
  // Only answers are of use to a client that does not ask again by TCP.
  const kept = layout.records.filter(({ section, end }) => section === 'answer' && end <= bytesMax);
  const copy = Buffer.from(message.subarray(0, kept.at(-1)?.end ?? layout.questionEnd));
  copy.writeUInt16BE(copy.readUInt16BE(2) | TRUNCATED, 2);
  copy.writeUInt16BE(kept.length, 6);
  copy.writeUInt16BE(0, 8);
  copy.writeUInt16BE(0, 10);
  return copy;
}
