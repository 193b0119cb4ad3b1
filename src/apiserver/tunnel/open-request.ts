import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Target } from './target.ts';

/** What the API server shows to kubelets, and by what it knows theirs. PEM. */
export interface KubeletTls {
  readonly ca: string | Buffer;
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

/** How long a connection may take to be made. */
const CONNECT_TIMEOUT_MS = 10_000;

interface OpenOptions {
  readonly target: Target;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders | readonly string[];
  /** Read for each connection, so that a renewed certificate is used at once. */
  readonly tls: () => KubeletTls;
}

/**
 * Begins a request to a kubelet, pod or service; the caller ends it and listens. Kubelets must show a certificate of
 * the cluster's authority for the address that was dialled; other https targets are the user's own affair, as upstream.
 */
export function openRequest({ target, method, headers, tls }: OpenOptions, signal: AbortSignal): ClientRequest {
  const { scheme, host, port, path, isKubelet } = target;
  const options = { host, port, path, method, headers: headers as OutgoingHttpHeaders, signal, agent: false as const };
  const request =
    scheme === 'http'
      ? httpRequest(options)
      : httpsRequest({
          ...options,
          ...(isKubelet ? tls() : { rejectUnauthorized: false }),
        });
  const timer = setTimeout(
    () => request.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)),
    CONNECT_TIMEOUT_MS,
  );
  request.once('socket', (socket) => {
    socket.once(scheme === 'http' ? 'connect' : 'secureConnect', () => clearTimeout(timer));
  });
  request.once('close', () => clearTimeout(timer));
  return request;
}
