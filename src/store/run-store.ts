import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { openDisk } from '../host/disk.ts';
import type { Disk } from '../host/disk.ts';
import { GrpcServer } from '../host/grpc/grpc-server.ts';
import type { GrpcServerOptions } from '../host/grpc/grpc-server.ts';
import type { Log } from '../host/log.ts';
import { createHttpServer } from '../host/http.ts';
import { firstStart } from './first-start.ts';
import type { FirstStartOptions } from './first-start.ts';
import { Member } from './member.ts';
import type { MemberOptions } from './member.ts';
import { openMember, readIdentity } from './open-member.ts';
import type { Identity } from './open-member.ts';
import { messageProtocol } from './peer/message-stream.ts';
import { peerService, receiveMessages } from './peer/peer-service.ts';
import { etcdMethods, GRPC_OVERHEAD_BYTES, REQUEST_BYTES_MAX } from './server/etcd-methods.ts';
import { httpEndpoints } from './server/http-endpoints.ts';
import { finishRepair, hasPeers, isDamage, isRepairing, rejoin, setAside } from './repair-member.ts';
import type { RepairOptions } from './repair-member.ts';
import { TlsFiles } from './tls-files.ts';
import type { TlsPaths } from './tls-files.ts';

/** Settings of a member; the names are those of etcd's flags. */
export interface StoreOptions extends FirstStartOptions {
  readonly dataDir: string;
  readonly listenClientUrls: readonly string[];
  readonly advertiseClientUrls: readonly string[];
  readonly listenPeerUrls: readonly string[];
  /** Plain HTTP for /health, /version and /metrics: addresses of loopback only. */
  readonly listenMetricsUrls?: readonly string[];
  /** Absent: plain text, for tests on loopback. */
  readonly clientTls?: TlsPaths;
  readonly peerTls?: TlsPaths;
  /** Which subjects may connect to the client and to the peer port; absent: every certificate of the authority. */
  readonly allowClient?: (commonName: string) => boolean;
  readonly allowPeer?: (commonName: string) => boolean;
  /** 2 GiB when absent, as etcd's --quota-backend-bytes. */
  readonly quotaBytes?: number;
  /** 5000 when absent: what Kubernetes asks of etcd's --watch-progress-notify-interval. */
  readonly watchProgressNotifyMs?: number;
  readonly log: Log;
  /** Called when the ports are open. */
  readonly onListening?: () => void;
}

/** How long calls may go on after the member was asked to stop. */
const GRACE_MS = 500;
/** Streams that ask for a leader end after this long without one (etcd: three election timeouts). */
const LEADERLESS_MS = 3000;

/**
 * Runs one member of the store until `signal` is aborted.
 *
 * @throws LogDamagedError when the disk does not hold what was written and there is no other member; what the disk throws; Error when the member was
 *   removed from its cluster. The process is to end then: what is in memory is not to be trusted.
 */
export async function runStore(options: StoreOptions, signal: AbortSignal): Promise<void> {
  const { log } = options;
  const clientFiles = options.clientTls && new TlsFiles(options.clientTls, log);
  const peerFiles = options.peerTls && new TlsFiles(options.peerTls, log);
  const peerTls = peerFiles === undefined ? undefined : () => peerFiles.client();
  const quotaBytes = options.quotaBytes ?? 2 ** 31;
  const repair = { ...options, peerTls };
  const member = await startMember(
    options,
    repair,
    {
      name: options.name,
      clientUrls: options.advertiseClientUrls,
      ...(peerTls === undefined ? {} : { peerTls }),
      quotaBytes,
      requestBytesMax: REQUEST_BYTES_MAX,
      log,
    },
    signal,
  );
  const onHttp = httpEndpoints(member, () => member.measures);
  const progressNotifyMs = options.watchProgressNotifyMs ?? 5000;
  const clientServer: GrpcServerOptions = {
    methods: etcdMethods(member, { progressNotifyMs, leaderlessMs: LEADERLESS_MS, quotaBytes }),
    messageBytesMax: REQUEST_BYTES_MAX + GRPC_OVERHEAD_BYTES,
    onHttp,
    ...(options.allowClient === undefined ? {} : { allowClient: options.allowClient }),
  };
  const peerServer: GrpcServerOptions = {
    methods: peerService(member),
    messageBytesMax: PEER_MESSAGE_BYTES_MAX,
    other: messageProtocol((messages) => receiveMessages(member, messages)),
    ...(options.allowPeer === undefined ? {} : { allowClient: options.allowPeer }),
  };
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const servers: { close(graceMs: number): Promise<void> }[] = [];
  try {
    for (const url of options.listenPeerUrls) servers.push(await listen(url, peerServer, peerFiles));
    for (const url of options.listenClientUrls) servers.push(await listen(url, clientServer, clientFiles));
    for (const url of options.listenMetricsUrls ?? []) servers.push(await listenPlain(url, onHttp));
    // Node writes it only when a process ends well; compiled again, the next start would hold 30 MB more.
    flushCompileCache();
    options.onListening?.();
    log.info('store listens', { client: options.listenClientUrls, peer: options.listenPeerUrls });
    const looking = Promise.all([clientFiles, peerFiles].flatMap((files) => files?.run(both) ?? []));
    const repairing = finishRepair(member, repair, both).catch((error: unknown) =>
      log.error('what was set aside could not be removed', { error }),
    );
    await member.run(both);
    stop.abort();
    await looking;
    await repairing;
  } finally {
    stop.abort();
    await Promise.all(servers.map((server) => server.close(GRACE_MS)));
  }
}

/** Opens what is on the disk; when that is damaged and there are others, as a new member that has it all from them. */
async function startMember(
  options: StoreOptions,
  repair: RepairOptions,
  memberOptions: MemberOptions,
  signal: AbortSignal,
): Promise<Member> {
  const { log } = options;
  for (;;) {
    const disk = await openDisk(join(options.dataDir, 'member'));
    try {
      const known = await readIdentity(disk);
      const isToRejoin = known === undefined && (await isRepairing(repair));
      const identity = isToRejoin
        ? await rejoin(disk, repair, signal)
        : (known ?? (await firstStart(disk, options, repair.peerTls, log, signal)));
      return await readMember(disk, identity, memberOptions);
    } catch (error) {
      if (!isDamage(error) || !(await hasPeers(repair))) throw error;
      log.error('the log is damaged: it is set aside, and the member is added anew', { error });
      await setAside(repair);
    }
  }
}

/** A function of its own, so that what was read does not stay in memory with the one that runs for good. */
async function readMember(disk: Disk, identity: Identity, options: MemberOptions): Promise<Member> {
  const opened = await openMember(disk, identity);
  const { log } = options;
  if (opened.isTailTorn) log.warn('the last write had been cut off; it was never acknowledged and is dropped');
  const { meta, entries, state } = opened;
  log.info('log read', { index: meta.index, entries: entries.length, revision: state.store.revision });
  return new Member(opened, options);
}

/** Largest question or answer between members: a piece of a snapshot is 1 MiB and a value. */
const PEER_MESSAGE_BYTES_MAX = 64 << 20;

async function listen(url: string, options: GrpcServerOptions, files: TlsFiles | undefined): Promise<GrpcServer> {
  const { hostname, port, protocol } = new URL(url);
  if ((protocol === 'https:') !== (files !== undefined))
    throw new Error(`"${url}" must be https with TLS files, and http without`);
  const server = new GrpcServer({ ...options, ...(files === undefined ? {} : { tls: files.server() }) });
  files?.onRenewed((tls) => server.renewTls(tls));
  await server.listen({ host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port) });
  return server;
}

async function listenPlain(url: string, onHttp: ReturnType<typeof httpEndpoints>) {
  const { hostname, port } = new URL(url);
  if (!/^(127\.|localhost$|\[::1\]$)/.test(hostname)) throw new Error(`"${url}": plain HTTP is for loopback only`);
  const server = createHttpServer(onHttp);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(port), hostname.replaceAll(/[[\]]/g, ''), resolve);
  });
  return {
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
