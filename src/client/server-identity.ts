import { checkServerIdentity, type PeerCertificate } from 'node:tls';

const NODE_PREFIX = 'system:node:';

/**
 * Whether a certificate that the cluster's authority signed is an API server's at this name: why not, or undefined. For
 * `checkServerIdentity` of TLS. Every board has a serving certificate of the same authority for its own address, for its
 * kubelet; a board that lures clients there must not be sent their tokens.
 */
export function checkApiServer(hostname: string, certificate: PeerCertificate): Error | undefined {
  const wrong = checkServerIdentity(hostname, certificate);
  if (wrong !== undefined) return wrong;
  const names: readonly string[] = [certificate.subject.CN ?? []].flat();
  const node = names.find((name) => name.startsWith(NODE_PREFIX));
  return node === undefined ? undefined : new Error(`${hostname} is no API server: its certificate is that of ${node}`);
}
