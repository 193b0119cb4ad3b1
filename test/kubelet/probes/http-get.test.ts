import { createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { httpGet } from '../../../src/kubelet/probes/http-get.ts';

const ANSWERS: Readonly<Record<string, string>> = {
  '/ok': 'HTTP/1.1 200 OK\r\n\r\nfine',
  '/switch': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello',
  '/nothing': '',
  '/garbage': 'hello',
  '/headers': `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(100_000)}\r\n`,
  '/nowhere': 'HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n',
  '/elsewhere': 'HTTP/1.1 302 Found\r\nLocation: file:///etc/shadow\r\nContent-Length: 0\r\n\r\n',
};

// What is probed is not ours: whatever it says, there is an answer or an error, in time.
void t.test('httpGet() comes to an end whatever the container says', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => socket.end(ANSWERS[bytes.toString().split(' ')[1] ?? ''] ?? ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (const path of Object.keys(ANSWERS)) {
    const target = { host: '127.0.0.1', port, action: { path, port }, timeoutMs: 1000, userAgent: 'test' };
    const end = await httpGet(target, new AbortController().signal).then(
      ({ status, isRedirectedAway }) => ({ status, isRedirectedAway }),
      (error: unknown) => (error instanceof Error ? 'failed' : 'odd'),
    );
    const isAnswer = path === '/ok' || path === '/elsewhere';
    t.match(end, isAnswer ? { status: path === '/ok' ? 200 : 302, isRedirectedAway: path !== '/ok' } : 'failed', path);
  }
});
