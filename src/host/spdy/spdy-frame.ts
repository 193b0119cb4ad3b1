/** Frames of SPDY/3.1 as Kubernetes' streaming uses them (draft-mbelshe-httpbis-spdy-00 section 2.2). */

const VERSION = 0x8003;
const FLAG_FIN = 0x01;
const SYN_STREAM = 1;
const PING = 6;
/** CMF and FLG of a zlib stream without a preset dictionary (RFC 1950 section 2.2): a reader takes that as well. */
const ZLIB_HEAD = Buffer.from([0x78, 0x01]);
/** An empty stored block: what came before is to be handed on (RFC 1951 section 3.2.4). */
const FLUSH = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]);

export type SpdyHeaders = Readonly<Record<string, string>>;

/**
 * Opens a stream. The header block is a deflate stream over all blocks of the connection, made of stored blocks here:
 * headers are few and go over the loopback, so that there is nothing to be won by packing them.
 *
 * @param isFirst of this connection: it begins the deflate stream
 */
export function synStream(streamId: number, headers: SpdyHeaders, isFirst: boolean): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt32BE(streamId, 0);
  const block = storedBlock(headerBlock(headers));
  return control(SYN_STREAM, Buffer.concat([fixed, ...(isFirst ? [ZLIB_HEAD] : []), block, FLUSH]));
}

/** Bytes of a stream. @param isLast nothing more comes from this side */
export function dataFrame(streamId: number, bytes: Uint8Array, isLast: boolean): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt32BE(((isLast ? FLAG_FIN : 0) << 24) | bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

/** A ping, or the answer to one: the same id. */
export function pingFrame(id: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(id);
  return control(PING, body);
}

function control(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(VERSION, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

/** Count, then length and text of each name and value (section 2.6.10); names in lower case. */
function headerBlock(headers: SpdyHeaders): Buffer {
  const pairs = Object.entries(headers);
  return Buffer.concat([
    uint32(pairs.length),
    ...pairs.flatMap(([name, value]) => [lengthPrefixed(name.toLowerCase()), lengthPrefixed(value)]),
  ]);
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function storedBlock(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xffff, 3);
  return Buffer.concat([head, bytes]);
}
