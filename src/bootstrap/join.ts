import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from '../api/error-text.ts';
import { isReason } from '../api/status.ts';
import { secrets } from '../client/resources.ts';
import type { ApiClient } from '../client/api-client.ts';
import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import type { Log } from '../host/log.ts';
import { findOwnAddress, isOwnAddress, type OwnAddress } from '../host/own-address.ts';
import { createKey, publicKeyHash, readCertificate } from '../host/pki.ts';
import { EtcdClient } from '../store/client/etcd-client.ts';
import { readControlKeys, readFirstTokens, writeControlKeys } from './authorities.ts';
import { dueCertificates, localCertificates, renewLocalCertificates, whyRenew } from './board-certificates.ts';
import type { BoardConfig } from './board-config.ts';
import { type BoardFiles, keyPair } from './board-files.ts';
import {
  checkClock,
  dayOf,
  discoverServer,
  type FoundServer,
  readKnownServers,
  writeKnownServers,
} from './discovery.ts';
import { founderMember, joinStore, readStoreMember, writeStoreMember } from './join-store.ts';
import { CONTROL_KEYS, controlKeysOf } from './publish.ts';
import { requestCertificate } from './request-certificate.ts';
import { bearerOf, type JoinToken } from './token.ts';

/** Opens a client on one API server, with a bearer token; the caller closes it. */
export type OpenClient = (server: FoundServer, bearer: string) => ApiClient & { close(): void };

interface JoinOptions {
  readonly config: BoardConfig;
  readonly files: BoardFiles;
  readonly openClient: OpenClient;
  readonly log: Log;
}

const AGAIN_MS = 2_000;

/**
 * Makes this board a part of its cluster: founds it, joins it, or sees that it is joined already, and leaves on disk all
 * that the other units need. Runs before them at each start, and keeps trying for as long as it takes: boards may be
 * switched on in any order. What is wrong meanwhile is said once, in one line.
 */
export async function runJoin(options: JoinOptions, signal: AbortSignal): Promise<void> {
  const { config, log } = options;
  let [last, said] = ['', ''];
  for (;;) {
    try {
      const own = await findOwnAddress(config.interfaceName);
      if (own === undefined) throw new Error('this board has no IPv4 address yet');
      if (config.nodeAddress !== undefined && !isOwnAddress(config.nodeAddress))
        throw new Error(`addresses.node is ${config.nodeAddress}, which no interface of this board has`);
      const self = config.nodeAddress === undefined ? own : { ...own, address: config.nodeAddress };
      await (config.role === 'control' ? joinControl(options, self, signal) : joinWorker(options, self, signal));
      return;
    } catch (error) {
      signal.throwIfAborted();
      const why = explain(error);
      // Once is no fault: a cluster that is just being founded does not know its tokens yet.
      if (why === last && why !== said) log.warn('cannot join yet', { why });
      if (why === last) said = why;
      last = why;
    }
    await sleep(AGAIN_MS, undefined, { signal });
  }
}

/** In words that say what to do. */
function explain(error: unknown): string {
  if (isReason(error, 'Unauthorized'))
    return 'the cluster does not take the token: it is mistyped, has expired or was deleted';
  if (isReason(error, 'Forbidden')) return 'the token is not one for boards of this role';
  return errorText(error);
}

async function joinControl(options: JoinOptions, own: OwnAddress, signal: AbortSignal): Promise<void> {
  const { config, files, log } = options;
  let keys = await readControlKeys(files);
  let server: FoundServer | undefined;
  if (keys === undefined) {
    const token = tokenOf(config);
    server = await discover(options, own, signal);
    const client = options.openClient(server, bearerOf(token));
    try {
      keys = controlKeysOf(await client.get(secrets, CONTROL_KEYS.namespace, CONTROL_KEYS.name, { signal }));
    } finally {
      client.close();
    }
    if (publicKeyHash(keys.cluster.certPem) !== token.caHash)
      throw new Error('the cluster gave keys of another authority');
    await writeControlKeys(files, keys);
  }
  checkAuthority(config, keys.cluster.certPem);
  const wanted = localCertificates(config, own.address);
  // Certificates of a time that is not would keep the board from its peers: those are asked before any is made by the date.
  if ((await dueCertificates(files, keys, wanted, Date.now())).some(({ isByDate }) => isByDate))
    await checkClock(await readKnownServers(files.apiServers), publicKeyHash(keys.cluster.certPem));
  const made = await renewLocalCertificates(files, keys, wanted, Date.now());
  for (const { certificate, why } of made) log.info('made a certificate', { name: certificate.name, why });
  if ((await readStoreMember(files.storeMember)) !== undefined) return;
  const self = { name: config.name, peerUrl: `https://${own.address}:2380`, clientUrl: `https://${own.address}:2379` };
  if (config.found && (await readFirstTokens(files)) !== undefined) {
    await writeStoreMember(files.storeMember, founderMember(self));
    log.info('founded the cluster', { cluster: config.clusterName });
    return;
  }
  await joinStoreOf(server ?? (await discover(options, own, signal)), files, self, signal);
  log.info('joined the store as a learner');
}

async function joinStoreOf(
  server: FoundServer,
  files: BoardFiles,
  self: Parameters<typeof joinStore>[1],
  signal: AbortSignal,
): Promise<void> {
  const etcd = new EtcdClient({ endpoints: [`https://${server.address}:2379`], tls: () => storeClientTls(files) });
  try {
    await writeStoreMember(files.storeMember, await joinStore(etcd, self, signal));
  } finally {
    etcd.close();
  }
}

/** The store client's TLS files, read anew at each connection, so that a renewed certificate needs no restart. */
export function storeClientTls(files: BoardFiles): { ca: Buffer; cert: Buffer; key: Buffer } {
  const { cert, key } = keyPair(files, 'store-client');
  return { ca: readFileSync(join(files.pki, 'store-ca.crt')), cert: readFileSync(cert), key: readFileSync(key) };
}

async function joinWorker(options: JoinOptions, own: OwnAddress, signal: AbortSignal): Promise<void> {
  const { config, files, log } = options;
  const pair = keyPair(files, 'kubelet-client');
  const caFile = join(files.pki, 'ca.crt');
  const subject = { commonName: `system:node:${config.name}`, organizations: ['system:nodes'] };
  const caPem = await readFileIfThere(caFile);
  if (caPem !== undefined) {
    checkAuthority(config, caPem);
    const found = { certPem: await readFileIfThere(pair.cert), keyPem: await readFileIfThere(pair.key), caPem };
    const why = whyRenew({ subject, altNames: [] }, found, Date.now());
    // In its last third the agent renews it with its own identity; only a dead one needs the token again.
    if (why === undefined || why === 'it is in its last third') return;
  }
  const token = tokenOf(config);
  const server = await discover(options, own, signal);
  await writeFileAtomic(caFile, server.caPem, 0o644);
  const keyPem = await createKey();
  const client = options.openClient(server, bearerOf(token));
  try {
    const certPem = await requestCertificate(
      client,
      {
        keyPem,
        subject,
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        usages: ['digital signature', 'client auth'],
        namePrefix: 'node-csr-',
        onLate: (request) =>
          log.warn('the cluster has not signed this board yet: is its name that of another that runs?', {
            name: config.name,
            approve: `kubectl certificate approve ${request}`,
          }),
      },
      signal,
    );
    await writeFileAtomic(pair.key, keyPem);
    await writeFileAtomic(pair.cert, certPem, 0o644);
  } finally {
    client.close();
  }
  log.info('joined the cluster as a worker', { cluster: config.clusterName });
}

async function discover(options: JoinOptions, own: OwnAddress, signal: AbortSignal): Promise<FoundServer> {
  const { config, files, log } = options;
  const known = await readKnownServers(files.apiServers);
  const found = await discoverServer({ caHash: tokenOf(config).caHash, ownAddress: own.address, known, log }, signal);
  const rest = known.filter((one) => one.address !== found.address);
  await writeKnownServers(files.apiServers, [{ address: found.address, port: found.port }, ...rest]);
  return found;
}

function tokenOf({ token }: BoardConfig): JoinToken {
  if (token === undefined)
    throw new Error('this board has no token and founds no cluster: run `bramble init` on it, or give it a token');
  return token;
}

/** @throws Error when token and authority disagree, or the board's clock is before the authority's time */
function checkAuthority(config: BoardConfig, caPem: string): void {
  if (config.token !== undefined && publicKeyHash(caPem) !== config.token.caHash)
    throw new Error('the token is of another cluster than the one this board belongs to');
  const { notBeforeMs } = readCertificate(caPem);
  if (Date.now() < notBeforeMs)
    throw new Error(`this board's clock says ${dayOf(Date.now())}, before the cluster was made: set it`);
}
