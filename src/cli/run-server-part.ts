import { join } from 'node:path';
import { runApiServer } from '../apiserver/run-apiserver.ts';
import { type ControlKeys, readControlKeys } from '../bootstrap/authorities.ts';
import { sharedApiNames } from '../bootstrap/board-certificates.ts';
import { keyPair } from '../bootstrap/board-files.ts';
import { labelControlBoard } from '../bootstrap/control-label.ts';
import { storeClientTls } from '../bootstrap/join.ts';
import { promoteWhenReady, readStoreMember, type StoreMember, writeStoreMember } from '../bootstrap/join-store.ts';
import { publishCluster } from '../bootstrap/publish.ts';
import { runCertificateRenewal } from '../bootstrap/renew-certificates.ts';
import { runLeaderElection } from '../client/leader-election.ts';
import { runControllers } from '../controller/run-controllers.ts';
import { systemClock } from '../host/clock.ts';
import { runAnnouncer } from '../host/mdns.ts';
import { MetricRegistry } from '../host/metrics.ts';
import { publicKeyHash } from '../host/pki.ts';
import { runTogether, type Runnable } from '../host/run-together.ts';
import { untilAborted } from '../host/until-aborted.ts';
import { runFloatingAddress } from '../network/floating-address.ts';
import { runScheduler } from '../scheduler/run-scheduler.ts';
import { EtcdClient } from '../store/client/etcd-client.ts';
import { API_PORT, type Board, processIdentity } from './board.ts';
import { localClient } from './local-client.ts';

const LOCAL_STORE = 'https://127.0.0.1:2379';
const PUBLISH_AGAIN_MS = 1_000;
const VOTE_TIMEOUT_MS = 2_000;
const VOTE_PATIENCE_MS = 10_000;

/**
 * What a control board runs besides its store: API server, scheduler, controllers, the floating address, its
 * announcement to other boards and the renewal of its certificates.
 */
export async function runServerPart(board: Board, signal: AbortSignal): Promise<void> {
  const { files, config, address, log } = board;
  const keys = await readControlKeys(files);
  if (keys === undefined) throw new Error('this board has no control keys yet: `bramble join` fetches them');
  const member = await readStoreMember(files.storeMember);
  if (member === undefined) throw new Error('this board is no member of a store yet: `bramble join` makes it one');
  const clock = systemClock;
  // Not after the vote: certificates that were made while the clock was ahead are what keeps the member from its peers.
  const renewal: Runnable = {
    run: async (stop) => runCertificateRenewal({ files, config, keys, address, clock, log }, stop),
  };
  await runTogether([renewal, { run: async (stop) => serve(board, keys, member, stop) }], signal);
}

async function serve(board: Board, keys: ControlKeys, member: StoreMember, signal: AbortSignal): Promise<void> {
  await waitForVote(board, member, signal);
  const { apiAddress } = board.config;
  const identity = processIdentity(board);
  const metrics = new MetricRegistry();
  const parts: Runnable[] = [
    { run: async (stop) => promote(board, member, stop).then(async () => untilAborted(stop)) },
    { run: async (stop) => apiServer(board, member, metrics, stop) },
    { run: async (stop) => scheduler(board, identity, metrics, stop) },
    { run: async (stop) => controllers(board, keys, identity, stop) },
    { run: async (stop) => publish(board, keys, stop) },
    { run: async (stop) => announce(board, keys, stop) },
    ...(apiAddress === undefined ? [] : [floatingAddress(board, apiAddress, identity)]),
  ];
  await runTogether(parts, signal);
}

/** The API server serves from the member on its own board, unless that takes so long that the others had better do. */
async function waitForVote(board: Board, member: StoreMember, signal: AbortSignal): Promise<void> {
  const patience = member.otherClientUrls.length === 0 ? [] : [AbortSignal.timeout(VOTE_PATIENCE_MS)];
  await promote(board, member, AbortSignal.any([signal, ...patience])).catch((error: unknown) => {
    signal.throwIfAborted();
    board.log.warn('the store member here does not vote yet: the API is served from the others meanwhile', { error });
  });
}

/** Settles when this board's member of the store votes. */
async function promote({ files, log }: Board, member: StoreMember, signal: AbortSignal): Promise<void> {
  const open = (endpoints: readonly string[]): EtcdClient =>
    new EtcdClient({ endpoints, tls: () => storeClientTls(files), timeoutMs: VOTE_TIMEOUT_MS });
  const local = open([LOCAL_STORE]);
  const others = member.otherClientUrls.length === 0 ? undefined : open(member.otherClientUrls);
  try {
    await promoteWhenReady({ local, others }, member.peerUrl, log, signal);
  } finally {
    local.close();
    others?.close();
  }
}

async function apiServer(
  { files, config, address, log }: Board,
  member: StoreMember,
  moreMetrics: MetricRegistry,
  signal: AbortSignal,
): Promise<void> {
  const pki = (name: string): string => join(files.pki, name);
  const [serving, kubelet, store] = [
    keyPair(files, 'apiserver'),
    keyPair(files, 'apiserver-kubelet-client'),
    keyPair(files, 'store-client'),
  ];
  // Where the others are, for a start at which the member here cannot say.
  const remember = async (otherClientUrls: readonly string[]): Promise<void> =>
    writeStoreMember(files.storeMember, { ...member, otherClientUrls }).catch((error: unknown) =>
      log.warn('cannot write down where the other members of the store are', { error }),
    );
  await runApiServer(
    {
      etcdServers: [LOCAL_STORE, ...member.otherClientUrls],
      etcdMembers: { ownUrl: member.clientUrl, onChange: (urls) => void remember(urls) },
      etcdTls: { caFile: pki('store-ca.crt'), certFile: store.cert, keyFile: store.key },
      bindAddress: '0.0.0.0',
      securePort: API_PORT,
      tlsCertFile: serving.cert,
      tlsPrivateKeyFile: serving.key,
      clientCaFile: pki('ca.crt'),
      serviceAccountIssuer: `https://kubernetes.default.svc.${config.clusterDomain}`,
      serviceAccountSigningKeyFile: pki('sa.key'),
      serviceAccountKeyFiles: [],
      apiAudiences: [],
      kubelet: { caFile: pki('ca.crt'), certFile: kubelet.cert, keyFile: kubelet.key },
      requestHeader: { clientCaFile: pki('front-proxy-ca.crt'), allowedNames: ['front-proxy-client'] },
      advertiseAddress: address,
      serviceClusterIpRange: config.serviceCidr,
      moreMetrics,
    },
    signal,
  );
}

async function scheduler(board: Board, identity: string, metrics: MetricRegistry, signal: AbortSignal): Promise<void> {
  const client = localClient(board, 'scheduler', 'bramble-scheduler/v1.36.0');
  const log = board.log.part('scheduler');
  const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
  try {
    await runLeaderElection(
      { client, lease, identity, clock: systemClock, log },
      async (leading) => runScheduler({ client, log, metrics }, leading),
      signal,
    );
  } finally {
    client.close();
  }
}

async function controllers(board: Board, keys: ControlKeys, identity: string, signal: AbortSignal): Promise<void> {
  const client = localClient(board, 'controller-manager', 'bramble-controller-manager/v1.36.0');
  const { clusterCidr } = board.config;
  const log = board.log.part('controller-manager');
  try {
    const apiNames = new Set(sharedApiNames(board.config));
    const options = { client, identity, authority: keys.cluster, apiNames, clusterCidr, clock: systemClock, log };
    await runControllers(options, signal);
  } finally {
    client.close();
  }
}

/** Tried until it has been done once; then this part has nothing more to do. */
async function publish(board: Board, keys: ControlKeys, signal: AbortSignal): Promise<void> {
  const { files, config } = board;
  const log = board.log.part('publish');
  const client = localClient(board, 'admin', 'bramble-publish/v1.36.0');
  try {
    for (let done = false; !done && !signal.aborted;) {
      done = await publishCluster(client, { files, config, keys, log }, signal).then(
        () => true,
        (error: unknown) => {
          log.debug('the API does not take what boards need yet', { error });
          return false;
        },
      );
      if (!done) await systemClock.sleepMs(PUBLISH_AGAIN_MS, signal).catch(() => undefined);
    }
    if (!signal.aborted) await labelControlBoard(client, config.name, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    client.close();
  }
  await untilAborted(signal);
}

async function announce({ config, address, log }: Board, keys: ControlKeys, signal: AbortSignal): Promise<void> {
  const onError = (error: unknown): void => log.warn('multicast DNS failed', { error });
  const txt = { ca: publicKeyHash(keys.cluster.certPem), cluster: config.clusterName, role: 'control' };
  await runAnnouncer({ name: config.name, port: API_PORT, address, txt }, { address, onError }, signal);
}

function floatingAddress(board: Board, address: string, identity: string): Runnable {
  return {
    run: async (signal) => {
      const client = localClient(board, 'floating-address', 'bramble-floating-address/v1.36.0');
      const log = board.log.part('floating-address');
      try {
        await runFloatingAddress({ client, address, device: board.interfaceName, identity, log }, signal);
      } finally {
        client.close();
      }
    },
  };
}
