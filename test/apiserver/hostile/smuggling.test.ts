import t from 'tap';
import { startTestCluster } from '../test-cluster.ts';
import { rawConnection, received } from './server-process.ts';

const PATH = '/api/v1/namespaces/default/configmaps';
const HEAD = `POST ${PATH} HTTP/1.1\r\nHost: a\r\n`;
/** What an attacker would have another one's connection say. */
const SECOND = 'GET /version HTTP/1.1\r\nHost: a\r\n\r\n';

/** Bytes, and the only status line that may answer them (RFC 9112 sections 5.2, 6.3, 7.1). */
const SHAPES: readonly [what: string, bytes: string, code: number][] = [
  ['length and chunks', `${HEAD}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`, 400],
  ['chunks and length', `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n${SECOND}`, 400],
  ['two lengths', `${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello${SECOND}`, 400],
  ['a length with a sign', `${HEAD}Content-Length: +5\r\n\r\nhello`, 400],
  ['a length of 23 digits', `${HEAD}Content-Length: 99999999999999999999999\r\n\r\nhello`, 400],
  ['a blank before the colon', `${HEAD}Content-Length : 5\r\n\r\nhello`, 400],
  ['an unknown coding', `${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
  ['chunks that are not last', `${HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 400],
  ['a folded header', 'GET /version HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n', 400],
  ['line ends without CR', 'GET /version HTTP/1.1\nHost: a\n\n', 400],
  ['chunk ends without CR', `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n`, 400],
  ['a negative chunk', `${HEAD}Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n`, 400],
  [
    'a chunk extension of 20 KB',
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
    413,
  ],
  ['a NUL in a header', 'GET /version HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400],
  ['no host', 'GET /version HTTP/1.1\r\n\r\n', 400],
  ['headers of 100 KB', `GET /version HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
];

void t.test('requests whose end could be read in two ways are refused, and their connection ends', async (t) => {
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  const server = { port: Number(new URL(cluster.url).port), ca: cluster.ca };

  for (const [what, bytes, code] of SHAPES) {
    const socket = await rawConnection(server, { identity: cluster.admin });
    const answer = received(socket, 3000);
    socket.write(bytes);
    const { text, isEnded } = await answer;
    socket.destroy();
    const codes = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, found]) => Number(found));
    // Where the attacker is still sending, the reset may overtake the answer.
    t.same(codes.length === 0 ? [code] : codes, [code], what);
    t.equal(isEnded, true, `${what}: the connection ends`);
  }
});
