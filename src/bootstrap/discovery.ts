import { connect, type DetailedPeerCertificate } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { X509Certificate } from 'node:crypto';
import { errorText } from '../api/error-text.ts';
import { checkApiServer } from '../client/server-identity.ts';
import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import type { Log } from '../host/log.ts';
import { runBrowser } from '../host/mdns.ts';
import { publicKeyHash } from '../host/pki.ts';

/** An API server that proved to belong to the cluster of a token. */
export interface FoundServer {
  readonly address: string;
  readonly port: number;
  /** The cluster's authority, PEM. */
  readonly caPem: string;
}

/** A server of the right cluster whose certificate is of another time than this board's clock. */
class WrongClockError extends Error {}

const HANDSHAKE_MS = 5_000;
/** A board on the own network answers at once, or is off. */
const CLOCK_MS = 1_000;
const AGAIN_MS = 3_000;
/** Boards that run answer a question within this. */
const HEAR_MS = 2_000;
/** Anybody on the network may announce: the first to be heard of go first. Far more than a cluster ever has. */
const CANDIDATES_MAX = 64;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

interface DiscoveryOptions {
  readonly caHash: string;
  /** The own address on the network to ask on. */
  readonly ownAddress: string;
  /** Servers that worked before; asked along with those heard of. */
  readonly known: readonly { readonly address: string; readonly port: number }[];
  readonly log: Log;
}

/**
 * Hears of control boards by multicast DNS and gives the first that proves, by its TLS certificate, to be of the cluster
 * whose authority the token names. Keeps asking until there is one; says in one line what is wrong meanwhile.
 */
export async function discoverServer(options: DiscoveryOptions, signal: AbortSignal): Promise<FoundServer> {
  const { caHash, ownAddress, log } = options;
  const candidates = new Map(options.known.slice(0, CANDIDATES_MAX).map((one) => [`${one.address}:${one.port}`, one]));
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const strangers = new Set<string>();
  const browsing = runBrowser(
    ({ address, port, txt, name }) => {
      if (txt['ca'] === caHash) {
        candidates.set(`${address}:${port}`, { address, port });
        const [oldest = ''] = candidates.keys();
        if (candidates.size > CANDIDATES_MAX) candidates.delete(oldest);
      } else if (!strangers.has(name) && strangers.size < CANDIDATES_MAX) {
        strangers.add(name);
        log.info('heard of a board of another cluster', { board: name, address });
      }
    },
    { address: ownAddress, onError: (error) => log.warn('multicast DNS failed', { error }) },
    both,
  );
  let said = '';
  const startMs = performance.now();
  try {
    for (;;) {
      let why = 'no control board of this cluster has been heard of: is one switched on, on this network?';
      try {
        // All at once: what does not answer must not hold up what does.
        return await Promise.any([...candidates.values()].map(async (one) => prove(one, caHash)));
      } catch (error) {
        const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [];
        if (first !== undefined) why = first.message;
      }
      if (why !== said && (candidates.size > 0 || performance.now() - startMs > HEAR_MS)) {
        log.warn('waiting for the cluster', { why });
        said = why;
      }
      await sleep(candidates.size === 0 ? 200 : AGAIN_MS, undefined, { signal });
    }
  } finally {
    stop.abort();
    await browsing;
  }
}

async function prove({ address, port }: { address: string; port: number }, caHash: string): Promise<FoundServer> {
  try {
    return { address, port, caPem: await proveServer(address, port, caHash) };
  } catch (error) {
    throw new Error(`${address}:${port}: ${errorText(error)}`, { cause: error });
  }
}

/**
 * The cluster's authority as the server at this address presents it, proven by the hash in the token (kubeadm's
 * discovery, but on the TLS handshake itself: no request is made before the server is known).
 * @throws Error that says what is wrong with it
 */
export async function proveServer(
  address: string,
  port: number,
  caHash: string,
  timeoutMs = HANDSHAKE_MS,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<DetailedPeerCertificate>();
  const socket = connect({
    host: address,
    port,
    rejectUnauthorized: false,
    timeout: timeoutMs,
    ALPNProtocols: ['http/1.1'],
  });
  socket.once('secureConnect', () => resolve(socket.getPeerCertificate(true)));
  socket.once('timeout', () => reject(new Error('no answer in time')));
  socket.once('error', reject);
  try {
    const peer = await promise;
    const caPem = checkChain(peer, caHash, Date.now());
    checkServer(address, peer);
    return caPem;
  } finally {
    socket.destroy();
  }
}

/**
 * Asks servers of the own cluster, by their certificates, whether this board's clock can be right. Where none answers, it
 * may be.
 * @throws WrongClockError when they serve with certificates of another time, and none with one of the board's
 */
export async function checkClock(
  known: readonly { readonly address: string; readonly port: number }[],
  caHash: string,
): Promise<void> {
  const answers = await Promise.all(
    known.map(async ({ address, port }) =>
      proveServer(address, port, caHash, CLOCK_MS).then(
        () => 'right' as const,
        (error: unknown) => error,
      ),
    ),
  );
  const wrong = answers.find((answer) => answer instanceof WrongClockError);
  if (wrong !== undefined && !answers.includes('right')) throw wrong;
}

/** @throws Error when the chain does not end in the authority of this hash, or its dates do not fit the board's clock */
function checkChain(peer: DetailedPeerCertificate, caHash: string, nowMs: number): string {
  const issuer = peer.issuerCertificate as DetailedPeerCertificate | undefined;
  if (issuer?.raw === undefined || issuer.raw.equals(peer.raw))
    throw new Error('the server shows no authority with its certificate');
  const [leaf, authority] = [new X509Certificate(peer.raw), new X509Certificate(issuer.raw)];
  if (publicKeyHash(issuer.raw) !== caHash || !leaf.verify(authority.publicKey))
    throw new Error('the server is of another cluster than the token (authority hash differs)');
  const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  if (nowMs < from)
    throw new WrongClockError(
      `this board's clock says ${dayOf(nowMs)}, before the server's certificate begins: set it`,
    );
  if (nowMs > to)
    throw new WrongClockError(
      `the server's certificate has expired on ${leaf.validTo}, or this board's clock is ahead`,
    );
  return authority.toString();
}

/** A day as people write it to logs. No time: what is said again and again must read the same, to be said once. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/**
 * The authority signs boards' and users' certificates too, and whoever is proven here is given the token next.
 * @throws Error when the certificate is not an API server's at this address
 */
function checkServer(address: string, peer: DetailedPeerCertificate): void {
  const usages: readonly string[] | undefined = peer.ext_key_usage;
  if (usages?.includes(SERVER_AUTH) !== true) throw new Error('the certificate shown is not one of a server');
  const wrong = checkApiServer(address, peer);
  if (wrong !== undefined) throw wrong;
}

/** The addresses that worked last, from the board's disk; empty where there are none. */
export async function readKnownServers(path: string): Promise<readonly { address: string; port: number }[]> {
  const text = await readFileIfThere(path);
  try {
    const list: unknown = JSON.parse(text ?? '[]');
    if (!Array.isArray(list)) return [];
    return list.filter(
      (one): one is { address: string; port: number } =>
        typeof one?.address === 'string' && Number.isInteger(one?.port),
    );
  } catch {
    return []; // a torn file is as good as none: the network is asked anyway
  }
}

/** Remembers the API servers for a start at which multicast DNS says nothing. */
export async function writeKnownServers(
  path: string,
  servers: readonly { address: string; port: number }[],
): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(servers)}\n`);
}
