import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { dialStream } from './dial-stream.ts';
import type { Dialled } from './dial-stream.ts';
import type { KubeletCall, Upgrade } from './kubelet-call.ts';

/** Nothing in either direction for so long ends a stream (upstream's --streaming-connection-idle-timeout). */
const IDLE_MS = 4 * 3_600_000;
/** After one side has said goodbye the other gets so long for its last words. */
const LINGER_MS = 5000;
/** Two pipelines and the HTTP server listen to one socket: more than Node's ten, and no leak. */
const LISTENERS_MAX = 30;
const TCP_KEEPALIVE_MS = 30_000;

/** Headers that are between the client and us. */
const DROPPED = new Set(['host', 'authorization', 'content-length', 'transfer-encoding', 'keep-alive']);

/** Lets client and runtime speak to each other as they are: SPDY, and WebSocket where no translation is wanted. */
export async function passStream({ request, signal }: KubeletCall, url: string, upgrade: Upgrade): Promise<void> {
  // Without a length Node would send an empty chunked body, and the runtime read that as the first frame.
  const headers: string[] = ['Host', new URL(url).host, 'Content-Length', '0'];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(i, i + 2);
    if (!DROPPED.has(name.toLowerCase())) headers.push(name, value);
  }
  const dialled = await dialStream(url, request.method ?? 'POST', headers, signal);
  upgrade.socket.write(headOf(dialled));
  if (upgrade.head.length > 0) dialled.socket.write(upgrade.head);
  if (dialled.head.length > 0) upgrade.socket.write(dialled.head);
  await passBytes(upgrade.socket, dialled.socket, signal);
}

function headOf({ response }: Dialled): string {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`];
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2)
    lines.push(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Passes bytes both ways, each as fast as the other takes them; settles when both sides are closed. */
export async function passBytes(client: Duplex, backend: Duplex, signal: AbortSignal): Promise<void> {
  for (const one of [client, backend]) {
    keepAlive(one);
    one.setMaxListeners(LISTENERS_MAX);
  }
  let timer: NodeJS.Timeout | undefined;
  const linger = (): void => {
    timer ??= setTimeout(() => {
      client.destroy();
      backend.destroy();
    }, LINGER_MS);
  };
  // Most streams end by breaking off; there is nobody left to be told.
  const pass = async (from: Duplex, to: Duplex): Promise<void> =>
    pipeline(from, to, { signal })
      .catch(() => undefined)
      .finally(linger);
  await Promise.all([pass(client, backend), pass(backend, client)]);
  clearTimeout(timer);
}

/** Finds out about a peer that is gone, and ends what nobody uses. */
export function keepAlive(socket: Duplex): void {
  if (!(socket instanceof Socket)) return;
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
}
