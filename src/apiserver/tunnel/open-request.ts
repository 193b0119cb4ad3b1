import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import { httpRequest, httpsRequest } from '../../host/http.ts';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
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
 * the cluster's authority for the address that was dialled and for their node; other https targets are the user's own affair, as upstream.
 */
export function openRequest({ target, method, headers, tls }: OpenOptions, signal: AbortSignal): ClientRequest {
  const { scheme, host, port, path, node } = target;
  const options = { host, port, path, method, headers: headers as OutgoingHttpHeaders, signal, agent: false as const };
  const request =
    scheme === 'http'
      ? httpRequest(options)
      : httpsRequest({
          ...options,
          ...(node === null ? { rejectUnauthorized: false } : { ...tls(), checkServerIdentity: kubeletOf(node) }),
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

/**
 * A node says itself where its kubelet is. Were any server of the cluster's authority good enough, it could send us, with
 * the rights we have on kubelets, to another's kubelet or to an API server.
 */
function kubeletOf(node: string): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (host, certificate) => {
    const wrong = checkServerIdentity(host, certificate);
    if (wrong !== undefined) return wrong;
    const name = certificate.subject.CN;
    if (name === `system:node:${node}`) return undefined;
    return new Error(`${host} is not the kubelet of node ${node}: its certificate is that of ${String(name)}`);
  };
}
