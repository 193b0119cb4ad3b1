import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Log } from '../../host/log.ts';
import { untilAborted } from '../../host/until-aborted.ts';
import type { Answerer } from './answerer.ts';

export interface DnsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly answerer: Answerer;
  readonly log: Log;
  /** Told of each message that came in. */
  readonly onQuery?: (transport: 'udp' | 'tcp') => void;
}

const CONNECTIONS_MAX = 128;
/** RFC 7766 section 6.2.3: a few seconds. */
const IDLE_MS = 10_000;
/** UDP questions that wait for their answers; more are dropped, and asked again by their clients. */
const WAITING_MAX = 4096;
/** Questions of one connection that wait for their answers (RFC 7766 section 6.2.1.1 lets them overlap). */
const PIPELINE_MAX = 16;

/** Serves DNS on UDP and TCP until aborted. @throws Error when the address cannot be bound */
export async function runDnsServer(options: DnsServerOptions, signal: AbortSignal): Promise<void> {
  const { host, port } = options;
  if (signal.aborted) return;
  const udp = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
  const connections = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    serveConnection(socket, options, signal);
  });
  tcp.maxConnections = CONNECTIONS_MAX;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  udp.on('error', (error) => failed.reject(error));
  tcp.on('error', (error) => failed.reject(error));
  let waiting = 0;
  udp.on('message', (message, { address, port }) => {
    if (waiting >= WAITING_MAX) return;
    waiting += 1;
    void serveMessage(udp, message, { address, port }, options, signal).finally(() => (waiting -= 1));
  });
  try {
    udp.bind(port, host);
    tcp.listen(port, host);
    await Promise.race([untilAborted(signal), failed.promise]);
  } finally {
    for (const socket of connections) socket.destroy();
    await Promise.all([closed(udp), tcp.listening ? once(tcp.close(), 'close') : undefined]);
  }
}

async function closed(udp: UdpSocket): Promise<void> {
  const close = once(udp, 'close');
  udp.close();
  await close;
}

async function serveMessage(
  udp: UdpSocket,
  message: Buffer,
  client: { readonly address: string; readonly port: number },
  { answerer, log, onQuery }: DnsServerOptions,
  signal: AbortSignal,
): Promise<void> {
  onQuery?.('udp');
  try {
    const answer = await answerer.answer(message, false, signal);
    // An answer to port 0 or after the close is nobody's.
    if (answer === undefined || signal.aborted || client.port === 0) return;
    udp.send(answer, client.port, client.address, () => undefined);
  } catch (error) {
    log.error('query not answered', { error });
  }
}

/** Messages one after the other, each after its length (RFC 1035 section 4.2.2). */
function serveConnection(socket: Socket, { answerer, log, onQuery }: DnsServerOptions, signal: AbortSignal): void {
  let received: Buffer = Buffer.alloc(0);
  let waiting = 0;
  const answerNext = (): void => {
    while (waiting < PIPELINE_MAX && received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const message = received.subarray(2, end);
      received = received.subarray(end);
      waiting += 1;
      onQuery?.('tcp');
      answerer
        .answer(Buffer.from(message), true, signal)
        .then(async (answer) => (answer === undefined ? socket.destroy() : send(socket, answer)))
        .catch((error: unknown) => log.error('query not answered', { error }))
        .finally(() => {
          waiting -= 1;
          socket.resume();
          answerNext();
        });
    }
    if (waiting >= PIPELINE_MAX) socket.pause();
  };
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    answerNext();
  });
}

/** Settles when the answer has gone out, or never will: a client that asks and does not read gets no more of them. */
async function send(socket: Socket, answer: Buffer): Promise<void> {
  if (socket.destroyed) return;
  const length = Buffer.alloc(2);
  length.writeUInt16BE(answer.length);
  await new Promise<void>((resolve) => socket.write(Buffer.concat([length, answer]), () => resolve()));
}
