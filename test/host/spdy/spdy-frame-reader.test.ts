import t from 'tap';
import { createInflate } from 'node:zlib';
import { dataFrame, pingFrame, synStream } from '../../../src/host/spdy/spdy-frame.ts';
import { SpdyFrameReader } from '../../../src/host/spdy/spdy-frame-reader.ts';
import type { SpdyEvent } from '../../../src/host/spdy/spdy-frame-reader.ts';

const RESET = Buffer.from([0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 0, 8]);
const REPLY = Buffer.from([0x80, 3, 0, 2, 0, 0, 0, 6, 0, 0, 0, 1, 0xaa, 0xbb]);
const GOAWAY = Buffer.from([0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0]);

/** Data of one stream put together: in how many pieces it comes is of no account. */
function joined(events: readonly SpdyEvent[]): string[] {
  const lines: string[] = [];
  for (const event of events) {
    const last = lines.at(-1);
    if (event.type !== 'data') lines.push(JSON.stringify(event));
    else if (last?.startsWith(`${event.streamId}:`) === true) lines[lines.length - 1] = last + event.bytes.toString();
    else lines.push(`${event.streamId}:${event.bytes.toString()}`);
  }
  return lines;
}

void t.test('SpdyFrameReader reads frames from pieces of any size', (t) => {
  const bytes = Buffer.concat([
    REPLY,
    dataFrame(3, Buffer.from('hello'), false),
    dataFrame(5, Buffer.alloc(0), false),
    pingFrame(2),
    dataFrame(3, Buffer.from(' world'), true),
    dataFrame(1, Buffer.alloc(0), true),
    RESET,
    GOAWAY,
  ]);
  for (let step = 1; step <= bytes.length; step += 1) {
    const reader = new SpdyFrameReader();
    const events: SpdyEvent[] = [];
    for (let at = 0; at < bytes.length; at += step) events.push(...reader.read(bytes.subarray(at, at + step)));
    t.same(joined(events), [
      '3:hello',
      '{"type":"ping","id":2}',
      '3: world',
      '{"type":"end","streamId":3,"isReset":false}',
      '{"type":"end","streamId":1,"isReset":false}',
      '{"type":"end","streamId":5,"isReset":true}',
      '{"type":"goaway"}',
    ]);
  }
  t.end();
});

void t.test('SpdyFrameReader refuses what is no SPDY, and control frames that are too long', (t) => {
  t.throws(() => new SpdyFrameReader().read(Buffer.from([0x80, 9, 0, 1, 0, 0, 0, 0])), /not a frame of SPDY/);
  t.throws(() => new SpdyFrameReader().read(Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0, 0])), /too long/);
  t.end();
});

void t.test('synStream() makes one deflate stream of all header blocks', async (t) => {
  const first = synStream(1, { streamType: 'stdin' }, true);
  const second = synStream(3, { port: '80' }, false);
  t.equal(first.readUInt32BE(8), 1);
  t.equal(second.readUInt32BE(8), 3);
  const inflate = createInflate();
  const chunks: Buffer[] = [];
  inflate.on('data', (chunk: Buffer) => chunks.push(chunk));
  inflate.write(first.subarray(18));
  inflate.write(second.subarray(18));
  for (let i = 0; i < 50 && !Buffer.concat(chunks).toString('latin1').endsWith('80'); i += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const text = Buffer.concat(chunks).toString('latin1');
  t.equal(text, '\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x05stdin\0\0\0\x01\0\0\0\x04port\0\0\0\x0280');
});
