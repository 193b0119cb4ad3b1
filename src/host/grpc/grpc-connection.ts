import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { GrpcError } from './grpc-error.ts';

/** What a client shows and whom it trusts, in PEM. */
export interface ClientTls {
  readonly ca: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name that the server's certificate must carry, where it is not the host of the target. */
  readonly serverName?: string;
}

/** Where a channel goes to, and how. */
export interface GrpcTarget {
  /** `unix:///run/containerd/containerd.sock`, `http://host:port` (plain HTTP/2) or `https://host:port` */
  readonly url: string;
  /** Asked for at each connection, so that renewed certificates are used. */
  readonly tls?: () => ClientTls;
  /** Time for TCP and TLS together; 5000 when absent. */
  readonly connectTimeoutMs?: number;
  /** A ping this often while connected; no answer within `keepaliveTimeoutMs` ends the connection. Absent: none. */
  readonly keepaliveMs?: number;
  /** 3000 when absent. */
  readonly keepaliveTimeoutMs?: number;
}

/** Opens one HTTP/2 connection. @throws GrpcError Unavailable (`isUnsent`) */
export async function openConnection(target: GrpcTarget): Promise<ClientHttp2Session> {
  const session = dial(target);
  const timeoutMs = target.connectTimeoutMs ?? 5000;
  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string): void => {
      session.destroy();
      const message = `connection error: ${target.url}: ${reason}`;
      reject(new GrpcError('UNAVAILABLE', message, { isUnsent: true }));
    };
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
    // Stays for good: an 'error' without a listener would end the process.
    session.on('error', (error) => {
      clearTimeout(timer);
      fail(error.message);
    });
    session.once('close', () => {
      clearTimeout(timer);
      fail('closed');
    });
    session.once('connect', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  if (target.keepaliveMs !== undefined) keepAlive(session, target.keepaliveMs, target.keepaliveTimeoutMs ?? 3000);
  return session;
}

/** As on the server: received and unread bytes per connection and stream. */
const CONNECTION_WINDOW_BYTES = 16 << 20;
const SETTINGS = { initialWindowSize: 1 << 20, enablePush: false };

function dial(target: GrpcTarget): ClientHttp2Session {
  const url = new URL(target.url);
  if (url.protocol === 'unix:')
    return connect('http://localhost', { settings: SETTINGS, createConnection: () => connectSocket(url.pathname) });
  if (target.tls === undefined) return connect(url.origin, { settings: SETTINGS });
  const { ca, cert, key, serverName } = target.tls();
  return connect(url.origin, {
    settings: SETTINGS,
    ca,
    ALPNProtocols: ['h2'],
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  });
}

/** Finds out that the other side's plug was pulled: TCP alone takes minutes. */
function keepAlive(session: ClientHttp2Session, everyMs: number, timeoutMs: number): void {
  let overdue: NodeJS.Timeout | undefined;
  const timer = setInterval(() => {
    if (overdue !== undefined || session.destroyed || session.closed) return;
    overdue = setTimeout(() => session.destroy(), timeoutMs);
    session.ping(() => {
      clearTimeout(overdue);
      overdue = undefined;
    });
  }, everyMs);
  session.once('close', () => {
    clearInterval(timer);
    clearTimeout(overdue);
  });
}
