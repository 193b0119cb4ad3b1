import type { ClientRequest, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StatusError } from '../../api/status.ts';

/** Nothing in either direction for so long ends a stream (kubelet's --streaming-connection-idle-timeout). */
const IDLE_MS = 4 * 3600 * 1000;
const KEEPALIVE_MS = 30_000;
/** After one side has said goodbye the other gets so long for its last words. */
const LINGER_MS = 5_000;

interface Client {
  readonly socket: Duplex;
  /** What came with the client's request already. */
  readonly head: Buffer;
}

/**
 * Switches client and backend to the protocol they agree on and passes bytes both ways, each as fast as the other takes
 * them. A backend that refuses the switch answers the client with its own words. Settles when both are closed.
 * @throws StatusError when the backend cannot be reached
 */
export async function passUpgrade(
  request: ClientRequest,
  { socket, head }: Client,
  signal: AbortSignal,
): Promise<void> {
  // Node has no listener on an upgraded socket any more: an error without one would end the process.
  socket.on('error', () => undefined);
  const answer = await answerOf(request, socket);
  if (answer.type === 'response') {
    socket.write(headOf(answer.response, 'close'));
    await pipeline(answer.response, socket, { signal }).catch(() => undefined); // the client is gone
    return;
  }
  const { response, backend } = answer;
  for (const one of [socket, backend]) {
    if (!(one instanceof Socket)) continue;
    one.setNoDelay(true);
    one.setKeepAlive(true, KEEPALIVE_MS);
    one.setTimeout(IDLE_MS, () => one.destroy());
  }
  socket.write(headOf(response, null));
  if (answer.head.length > 0) socket.write(answer.head);
  if (head.length > 0) backend.write(head);
  const linger = (): void => {
    const timer = setTimeout(() => {
      socket.destroy();
      backend.destroy();
    }, LINGER_MS);
    timer.unref();
  };
  // A broken stream is how most of them end; there is nobody left to tell.
  const pass = (from: Duplex, to: Duplex): Promise<void> =>
    pipeline(from, to, { signal })
      .catch(() => undefined)
      .finally(linger);
  await Promise.all([pass(socket, backend), pass(backend, socket)]);
}

type Answer =
  | { readonly type: 'upgrade'; readonly response: IncomingMessage; readonly backend: Duplex; readonly head: Buffer }
  | { readonly type: 'response'; readonly response: IncomingMessage };

function answerOf(request: ClientRequest, client: Duplex): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onGone = (): void => {
      request.destroy();
    };
    client.once('close', onGone);
    const settle = (answer: Answer): void => {
      client.off('close', onGone);
      resolve(answer);
    };
    request.once('upgrade', (response, backend, head) => settle({ type: 'upgrade', response, backend, head }));
    request.once('response', (response) => settle({ type: 'response', response }));
    // Stays: what comes after the answer is the pipes' to see, and must not be nobody's.
    request.on('error', (error) => {
      client.off('close', onGone);
      reject(backendError(error));
    });
    request.end();
  });
}

/** Upstream's text for a backend that does not answer. */
export function backendError(error: Error): StatusError {
  return new StatusError('InternalError', `error dialing backend: ${error.message}`, { cause: error });
}

function headOf(response: IncomingMessage, connection: string | null): string {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`];
  const raw = response.rawHeaders;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    // The body is passed on decoded and ends with the connection.
    if (connection !== null && (name === 'connection' || name === 'transfer-encoding' || name === 'keep-alive'))
      continue;
    lines.push(`${raw[i]}: ${raw[i + 1]}`);
  }
  if (connection !== null) lines.push(`Connection: ${connection}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
