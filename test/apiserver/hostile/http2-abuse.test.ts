import t from 'tap';
import { call } from '../http-client.ts';
import { END_HEADERS, END_STREAM, field, frame, PREFACE, requestHead, TYPE } from './http2-frames.ts';
import { rawConnection, startServerProcess, type ServerProcess } from './server-process.ts';

const CANCEL = Buffer.from([0, 0, 0, 8]);
/** More than the server weighs at rest, by so much at most. */
const GROWTH_MIB_MAX = 150;

function times(count: number, make: (stream: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => make(1 + 2 * i)));
}

const GET = requestHead('GET');
const FILL = Buffer.concat(Array.from({ length: 100 }, () => field('x-a', 'b'.repeat(100))));

/** What is sent after the preface, and whether the connection must end for it. */
const ABUSES: readonly [what: string, bytes: Buffer, mustEnd: boolean][] = [
  // CVE-2023-44487
  [
    '10,000 requests, each reset at once',
    times(10_000, (id) =>
      Buffer.concat([frame(TYPE.headers, END_STREAM | END_HEADERS, id, GET), frame(TYPE.reset, 0, id, CANCEL)]),
    ),
    true,
  ],
  ['50,000 SETTINGS', times(50_000, () => frame(TYPE.settings, 0, 0)), true],
  ['50,000 PINGs', times(50_000, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8))), true],
  // CVE-2024-27983 and its kin
  [
    'headers that go on for 20 MB',
    Buffer.concat([
      frame(TYPE.headers, 0, 1, GET),
      ...Array.from({ length: 2000 }, () => frame(TYPE.continuation, 0, 1, FILL)),
    ]),
    true,
  ],
  [
    '50,000 empty DATA frames',
    Buffer.concat([
      frame(TYPE.headers, END_HEADERS, 1, requestHead('POST')),
      times(50_000, () => frame(TYPE.data, 0, 1)),
    ]),
    true,
  ],
  [
    '1,000 bodies that never come',
    times(1000, (id) => frame(TYPE.headers, END_HEADERS, id, requestHead('POST'))),
    false,
  ],
  [
    '600 headers in a request',
    frame(
      TYPE.headers,
      END_STREAM | END_HEADERS,
      1,
      Buffer.concat([GET, ...Array.from({ length: 600 }, () => field('x', 'y'))]),
    ),
    false,
  ],
  ['no frames at all', Buffer.alloc(100_000, 0xff), true],
];

void t.test('abuse of HTTP/2 costs who does it the connection, and nobody else anything', async (t) => {
  const server = await startServerProcess();
  t.teardown(() => server.close());
  const restMib = server.rssMib();

  for (const [what, bytes, mustEnd] of ABUSES) {
    const isEnded = await attack(server, bytes);
    if (mustEnd) t.equal(isEnded, true, `${what}: the connection ends`);
    const answer = await call(server, 'GET', '/version');
    t.equal(answer.code, 200, `${what}: others are served`);
  }

  t.equal(server.isAlive(), true);
  const growthMib = server.peakRssMib() - restMib;
  t.comment(`${restMib} MiB at rest, ${growthMib} MiB more at the peak`);
  t.ok(growthMib < GROWTH_MIB_MAX, `grew by ${growthMib} MiB`);
});

async function attack(server: ServerProcess, bytes: Buffer): Promise<boolean> {
  const socket = await rawConnection(server, { identity: server.admin, alpn: 'h2' });
  socket.resume();
  const ended = new Promise<boolean>((resolve) => {
    socket.once('close', () => resolve(true));
    setTimeout(() => resolve(false), 3000);
  });
  socket.write(Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0), bytes]));
  const isEnded = await ended;
  socket.destroy();
  return isEnded;
}
