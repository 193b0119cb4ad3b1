import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { call } from '../http-client.ts';
import { until } from '../../store/store-cluster.ts';
import { rawConnection, startServerProcess, type ServerProcess } from './server-process.ts';

t.setTimeout(120_000);

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const LIMITS = { headersTimeoutMs: 1000, requestTimeoutMs: 2000, checkMs: 200 };
const EVENT_BYTES = 256 * 1024;
/** More than the ring of the kind holds (4 MiB), and more than sockets do. */
const EVENTS = 60;
const WATCHERS = 30;
/** Kept for each of them, the events would be 450 MiB. The rest is what the writes leave behind until it is collected. */
const GROWTH_MIB_MAX = 220;

/** How long the server bears with who sends one byte at a time, and what it says in the end. */
async function trickle(server: ServerProcess, head: string, drop: string): Promise<{ tookMs: number; text: string }> {
  const socket = await rawConnection(server, { identity: server.admin });
  const startMs = performance.now();
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(head);
  while (!socket.destroyed && socket.writable) {
    socket.write(drop);
    await Promise.race([sleep(50), closed]);
  }
  await closed;
  return { tookMs: performance.now() - startMs, text };
}

void t.test(
  'who sends headers or a body byte by byte is cut off, and others do not notice',
  { timeout: 60_000 },
  async (t) => {
    const server = await startServerProcess(LIMITS);
    t.teardown(() => server.close());
    const length = `Host: a\r\nContent-Type: application/json\r\n`;
    const slow = Promise.all([
      trickle(server, 'GET /version HTTP/1.1\r\nHost: a\r\nX: ', 'a'),
      trickle(server, `POST ${CONFIG_MAPS} HTTP/1.1\r\n${length}Content-Length: 1000000\r\n\r\n`, ' '),
      trickle(server, `POST ${CONFIG_MAPS} HTTP/1.1\r\n${length}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n'),
    ]);
    t.equal((await call(server, 'GET', '/version')).code, 200);

    for (const [what, { tookMs, text }] of (await slow).entries()) {
      t.match(text, /^(?:$|HTTP\/1\.1 408 )/, `${what}: upstream hangs up, Node may say why`);
      t.ok(tookMs < 20_000, `${what}: after ${Math.round(tookMs)} ms`);
    }
    t.equal(server.isAlive(), true);
  },
);

void t.test(
  'watchers that never read are told that it is too late, and cost no memory',
  { timeout: 60_000 },
  async (t) => {
    const server = await startServerProcess();
    t.teardown(() => server.close());
    await until('the namespace is there', async () => {
      const { code } = await call(server, 'POST', CONFIG_MAPS, { body: { metadata: { name: 'big' } } });
      return code === 201;
    });
    const sockets = await Promise.all(
      Array.from({ length: WATCHERS }, () => rawConnection(server, { identity: server.admin })),
    );
    t.teardown(() => sockets.forEach((socket) => socket.destroy()));
    for (const socket of sockets) {
      socket.pause();
      socket.write(`GET ${CONFIG_MAPS}?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n`);
    }
    const watching = `resource="configmaps",subresource="",scope="namespace",component="apiserver"} ${WATCHERS}\n`;
    await until('they are watching', async () => (await call(server, 'GET', '/metrics')).text.includes(watching));
    const restMib = server.rssMib();

    for (let i = 0; i < EVENTS; i += 1) {
      const body = { metadata: { name: 'big' }, data: { a: String.fromCharCode(97 + (i % 26)).repeat(EVENT_BYTES) } };
      const { code } = await call(server, 'PUT', `${CONFIG_MAPS}/big`, { body });
      if (code !== 200) t.fail(`${code}`);
    }
    const growthMib = server.peakRssMib() - restMib;
    t.comment(
      `${restMib} MiB before, ${growthMib} MiB more at the peak of ${(EVENTS * EVENT_BYTES) >> 20} MiB of events`,
    );
    t.ok(growthMib < GROWTH_MIB_MAX, `grew by ${growthMib} MiB`);

    const [socket] = sockets;
    if (socket === undefined) throw new Error('no watcher');
    let received = '';
    socket.on('data', (chunk: Buffer) => (received = (received + chunk.toString('latin1')).slice(-2000)));
    socket.resume();
    await until('it is told', async () => received.includes('"code":410'));
    t.match(received, /"type":"ERROR".*"reason":"Expired".*"code":410/);
    t.equal((await call(server, 'GET', '/version')).code, 200);
  },
);
