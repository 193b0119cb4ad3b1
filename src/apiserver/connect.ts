import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Kind } from '../api/kinds/kind.ts';
import type { UserInfo } from './authentication/authenticator.ts';
import type { RegistryAccess } from './registry/registry-access.ts';

/** A request that becomes a stream or is passed on: exec, attach, portforward, log, proxy. Authorized and admitted already. */
export interface ConnectRequest {
  readonly kind: Kind;
  /** `exec`, `attach`, `portforward`, `log`, `proxy`. */
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** What follows the subresource in the path, with its leading slash, still escaped (`proxy/metrics?x` -> `/metrics`); else empty. */
  readonly restPath: string;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly registry: RegistryAccess;
}

/** The client's side of it: an upgrade of an HTTP/1.1 connection, or an ordinary exchange. */
export type ConnectTransport =
  | { readonly type: 'upgrade'; readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
  | {
      readonly type: 'exchange';
      readonly request: IncomingMessage | Http2ServerRequest;
      readonly response: ServerResponse | Http2ServerResponse;
    };

/** Serves one subresource's streams. Settles when the stream is over; aborting `signal` (client gone, server ends) ends it. */
export interface ConnectHandler {
  /** A StatusError thrown before the first byte of an answer is sent to the client as a Status. */
  connect(request: ConnectRequest, transport: ConnectTransport, signal: AbortSignal): Promise<void>;
}

/** Handlers by `<qualified resource>/<subresource>`: `pods/exec`, `nodes/proxy`. */
export type ConnectHandlers = ReadonlyMap<string, ConnectHandler>;
