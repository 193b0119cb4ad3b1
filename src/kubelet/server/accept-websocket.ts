import type { IncomingMessage } from 'node:http';
import type * as Ws from 'ws';
import type { Duplex } from 'node:stream';
import type { Upgrade } from './kubelet-call.ts';

/** One message may be so long: clients send what they read at once, which is tens of kilobytes. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** A WebSocket connection, as much of it as is needed here. */
export type AcceptedWebSocket = Ws.WebSocket;

/** Whether the request asks for a WebSocket (RFC 6455 section 4.1). */
export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** The subprotocols that the client offers, its favourite first. */
export function offeredProtocols({ headers }: IncomingMessage): readonly string[] {
  const offered = headers['sec-websocket-protocol'] ?? '';
  return offered
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** Finishes the handshake with this subprotocol; the empty one is none. */
export async function acceptWebSocket(
  request: IncomingMessage,
  upgrade: Upgrade,
  protocol: string,
): Promise<AcceptedWebSocket> {
  const { WebSocketServer } = await load();
  const { socket, head } = upgrade;
  const left = new Error('the client left during the handshake');
  if (socket.destroyed) throw left;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
  });
  // kubectl's name for a tunnel has a slash, which is no token (RFC 6455 section 4.1), and the library insists on those.
  delete request.headers['sec-websocket-protocol'];
  if (protocol !== '') server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(left));
    server.handleUpgrade(request, socket, head, resolve);
  });
}

/** The same as a stream: each message its bytes. */
export async function acceptByteStream(request: IncomingMessage, upgrade: Upgrade, protocol: string): Promise<Duplex> {
  // Loaded before the handshake: a message must find its listener.
  const { createWebSocketStream } = await load();
  return createWebSocketStream(await acceptWebSocket(request, upgrade, protocol));
}

/** When the first comes: most boards never see a WebSocket. */
async function load(): Promise<typeof Ws> {
  return import('ws');
}
