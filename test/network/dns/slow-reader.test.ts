import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as dns from 'dns-packet';
import t from 'tap';
import { freePort } from '../../fake/free-port.ts';
import { silentLog } from '../../../src/host/log.ts';
import type { Answerer } from '../../../src/network/dns/answerer.ts';
import { runDnsServer } from '../../../src/network/dns/dns-server.ts';

// Each answer may be 64 KiB, to a question of 30 bytes: unread, they would fill the agent's memory.
void t.test('runDnsServer() answers a client over TCP no faster than it reads', async (t) => {
  let answered = 0;
  const answerer = {
    answer: async () => {
      answered += 1;
      return Buffer.alloc(60_000);
    },
  } as unknown as Answerer;
  const stop = new AbortController();
  const port = await freePort();
  const serving = runDnsServer({ host: '127.0.0.1', port, answerer, log: silentLog }, stop.signal);
  await sleep(50);
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.pause();
  const question = dns.streamEncode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'example.test' }] });
  socket.write(Buffer.concat(Array.from({ length: 5000 }, () => question)));
  await sleep(1000);
  t.ok(answered > 0 && answered < 500, `${answered} of 5000 answered: what the kernel's buffers hold, and a few more`);
  socket.destroy();
  stop.abort();
  await serving;
});
