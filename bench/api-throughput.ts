import { connect, type ClientHttp2Session } from 'node:http2';
import { startServerProcess } from '../test/apiserver/hostile/server-process.ts';

/**
 * Requests per second, p99 and memory of one API server over the store's engine, with clients on HTTP/2 in this process.
 * Numbers of a busy machine compare only within one run.
 */
const PATH = '/api/v1/namespaces/default/configmaps';
const RUN_MS = 4000;
const CLIENTS = 16;
const OBJECTS = 500;
const WATCHES = 100;
const UPDATES = 50;

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
}

const server = await startServerProcess();
const session = connect(server.url, { ca: server.ca, cert: server.admin.certPem, key: server.admin.keyPem });
await waitUntilReady(session);

const atRestMib = server.rssMib();
let serial = 0;
const named = (): string => JSON.stringify({ metadata: { name: `b-${(serial += 1)}` }, data: { a: 'x'.repeat(500) } });
await Promise.all(Array.from({ length: OBJECTS }, () => ask(session, { method: 'POST', path: PATH, body: named() })));
report('get', await load(() => ({ method: 'GET', path: `${PATH}/b-1` })));
report('get from the cache', await load(() => ({ method: 'GET', path: `${PATH}/b-1?resourceVersion=0` })));
report(`list of ${OBJECTS}`, await load(() => ({ method: 'GET', path: `${PATH}?resourceVersion=0&limit=${OBJECTS}` })));
report('create', await load(() => ({ method: 'POST', path: PATH, body: named() })));
await fanOut();
console.log(`memory: ${atRestMib} MiB at rest, ${server.rssMib()} MiB now, ${server.peakRssMib()} MiB at the peak`);
session.destroy();
await server.close();

async function ask(from: ClientHttp2Session, { method, path, body, type = 'application/json' }: Ask): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = from.request({ ':method': method, ':path': path, 'content-type': type });
    let code = 0;
    stream.on('response', (headers) => (code = headers[':status'] ?? 0));
    stream.on('error', reject);
    stream.on('end', () => resolve(code));
    stream.resume();
    stream.end(body);
  });
}

async function waitUntilReady(from: ClientHttp2Session): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if ((await ask(from, { method: 'GET', path: '/readyz' })) === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the API server did not become ready within 10 s');
}

/** As many requests as so many clients get through, one after the other each; gives how long each took. */
async function load(next: () => Ask): Promise<number[]> {
  const tookMs: number[] = [];
  const endMs = performance.now() + RUN_MS;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const startMs = performance.now();
      const code = await ask(session, next());
      if (code >= 300) throw new Error(`got ${code}`);
      tookMs.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return tookMs;
}

/** One object changes, and everybody who watches hears of it: the time until the last one has. */
async function fanOut(): Promise<void> {
  let heard = 0;
  let wake = (): void => undefined;
  for (let i = 0; i < WATCHES; i += 1) {
    const stream = session.request({ ':path': `${PATH}?watch=1&fieldSelector=metadata.name%3Db-1` });
    stream.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1').split('{"type":').length - 1;
      wake();
    });
    stream.on('error', () => undefined); // they end with the session
  }
  const until = async (count: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = () => (heard >= count ? resolve() : undefined);
    wake();
    await promise;
  };
  await until(WATCHES);
  const tookMs: number[] = [];
  for (let i = 0; i < UPDATES; i += 1) {
    const startMs = performance.now();
    const body = JSON.stringify({ data: { a: String(i) } });
    await ask(session, { method: 'PATCH', path: `${PATH}/b-1`, body, type: 'application/merge-patch+json' });
    await until(WATCHES * (i + 2));
    tookMs.push(performance.now() - startMs);
  }
  report(
    `change told to ${WATCHES} watches`,
    tookMs,
    tookMs.reduce((sum, ms) => sum + ms, 0),
  );
}

function report(what: string, tookMs: readonly number[], overMs = RUN_MS): void {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(1);
  console.log(`${what}: ${Math.round((sorted.length / overMs) * 1000)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}
