import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { call } from '../http-client.ts';
import { rawConnection, startServerProcess } from './server-process.ts';

t.setTimeout(600_000);

/** How many are opened; BRAMBLE_IDLE_CONNECTIONS=10000 is the number that the server is built for. */
const MANY = Number(process.env['BRAMBLE_IDLE_CONNECTIONS'] ?? 2000);
/** What is held. */
const HELD = MANY / 4;
const AT_ONCE = 50;
/** For each connection that is held; node:tls and OpenSSL take some 80 KB. */
const HELD_KIB_MAX = 200;
const SLACK_MIB = 60;

void t.test(`${MANY} idle connections keep nobody out, and memory is bounded`, { timeout: 600_000 }, async (t) => {
  const server = await startServerProcess({ connectionsMax: HELD });
  t.teardown(() => server.close());
  await call(server, 'GET', '/version');
  const restMib = server.rssMib();
  const sockets = new Set<TLSSocket>();
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  let ended = 0;

  for (let opened = 0; opened < MANY; opened += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const socket = await rawConnection(server);
        sockets.add(socket);
        socket.resume();
        socket.once('close', () => {
          sockets.delete(socket);
          ended += 1;
        });
      }),
    );
  }

  t.equal((await call(server, 'GET', '/version')).code, 200, 'a client in the middle of it is served');
  t.ok(sockets.size <= HELD + AT_ONCE, `${sockets.size} are held, ${ended} had to go`);
  const growthMib = server.peakRssMib() - restMib;
  t.comment(`${restMib} MiB at rest, ${growthMib} MiB more at the peak`);
  t.ok(growthMib < SLACK_MIB + (HELD * HELD_KIB_MAX) / 1024, `grew by ${growthMib} MiB`);
  t.equal(server.isAlive(), true);
});
