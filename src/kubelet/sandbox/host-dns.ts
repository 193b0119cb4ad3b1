import { readFileIfThere } from '../../host/file.ts';
import type { DnsConfig } from '../../host/cri/cri-config.ts';
import { parseResolvConf } from './pod-dns.ts';

/** Where systemd-resolved names the servers behind its stub at 127.0.0.53. */
const RESOLVED = '/run/systemd/resolve/resolv.conf';

/**
 * What the board's resolv.conf says, for pods: a server on loopback is another one there, and answers nobody. Then that
 * of systemd-resolved counts, where it runs (kubeadm sets its path; k3s gives pods a public server).
 */
export async function readHostDns(path: string, resolvedPath = RESOLVED): Promise<DnsConfig> {
  const own = parseResolvConf((await readFileIfThere(path)) ?? '');
  if (own.servers.length === 0 || !own.servers.every(isLoopback)) return own;
  const behind = await readFileIfThere(resolvedPath);
  return behind === undefined ? own : parseResolvConf(behind);
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
