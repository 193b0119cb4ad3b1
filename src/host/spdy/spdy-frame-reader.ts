/** What a SPDY server says that a client of Kubernetes' streaming needs to hear. */
export type SpdyEvent =
  | { readonly type: 'data'; readonly streamId: number; readonly bytes: Buffer }
  /** The server has said all on this stream; `isReset`: and takes no more either. */
  | { readonly type: 'end'; readonly streamId: number; readonly isReset: boolean }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway' };

const HEAD_BYTES = 8;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const FLAG_FIN = 0x01;
/** Control frames are short; data frames are passed on as they come. */
const CONTROL_BYTES_MAX = 64 * 1024;

/** Reads the frames that a SPDY/3.1 server sends. Headers are not unpacked: nothing in them matters to us. */
export class SpdyFrameReader {
  #rest: Buffer = Buffer.alloc(0);
  /** The data frame that is being read. */
  #data: { readonly streamId: number; readonly isLast: boolean; left: number } | undefined;

  /** What these bytes complete. @throws Error when they are no SPDY/3.1 */
  read(bytes: Buffer): SpdyEvent[] {
    const events: SpdyEvent[] = [];
    let input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      if (this.#data !== undefined) {
        if (input.length === 0 && this.#data.left > 0) break;
        input = this.#readData(input, events);
      } else {
        const next = this.#readFrame(input, events);
        if (next === undefined) break;
        input = next;
      }
    }
    this.#rest = input;
    return events;
  }

  #readData(input: Buffer, events: SpdyEvent[]): Buffer {
    const data = this.#data;
    if (data === undefined) return input;
    const bytes = input.subarray(0, data.left);
    data.left -= bytes.length;
    const { streamId } = data;
    if (bytes.length > 0) events.push({ type: 'data', streamId, bytes });
    if (data.left > 0) return input.subarray(bytes.length);
    if (data.isLast) events.push({ type: 'end', streamId, isReset: false });
    this.#data = undefined;
    return input.subarray(bytes.length);
  }

  /** Undefined: the frame is not there as a whole. */
  #readFrame(input: Buffer, events: SpdyEvent[]): Buffer | undefined {
    if (input.length < HEAD_BYTES) return undefined;
    const [first, second] = [input.readUInt32BE(0), input.readUInt32BE(4)];
    const [flags, length] = [second >>> 24, second & 0xffffff];
    if (first >>> 31 === 0) {
      this.#data = { streamId: first, isLast: (flags & FLAG_FIN) !== 0, left: length };
      return input.subarray(HEAD_BYTES);
    }
    if (first >>> 16 !== 0x8003) throw new Error(`not a frame of SPDY/3.1: 0x${first.toString(16)}`);
    if (length > CONTROL_BYTES_MAX) throw new Error(`a control frame of ${length} bytes is too long`);
    if (input.length < HEAD_BYTES + length) return undefined;
    const end = HEAD_BYTES + length;
    pushControl(first & 0xffff, flags, input.subarray(HEAD_BYTES, end), events);
    return input.subarray(end);
  }
}

function pushControl(type: number, flags: number, body: Buffer, events: SpdyEvent[]): void {
  if (type === GOAWAY) events.push({ type: 'goaway' });
  if (body.length < 4) return;
  const id = body.readUInt32BE(0);
  if (type === PING) events.push({ type: 'ping', id });
  if (type === RST_STREAM) events.push({ type: 'end', streamId: id & 0x7fffffff, isReset: true });
  if (type === SYN_REPLY && (flags & FLAG_FIN) !== 0)
    events.push({ type: 'end', streamId: id & 0x7fffffff, isReset: false });
}
