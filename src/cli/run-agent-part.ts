import { join } from 'node:path';
import { ensureServingCertificate, runKubeletCertificates } from '../bootstrap/kubelet-certificates.ts';
import { keyPair } from '../bootstrap/board-files.ts';
import { dnsServiceAddress } from '../bootstrap/publish.ts';
import type { ApiClient } from '../client/api-client.ts';
import type { Runtime } from '../host/cri/cri.ts';
import type { NetworkOptions } from '../network/run-network.ts';
import { createInformerSet } from '../client/informer-set.ts';
import { endpointSlices, nodes, services } from '../client/resources.ts';
import { systemClock } from '../host/clock.ts';
import { GrpcChannel } from '../host/grpc/grpc-channel.ts';
import { runTogether } from '../host/run-together.ts';
import { defaultParts } from '../kubelet/default-parts.ts';
import type { KubeletParts } from '../kubelet/kubelet-parts.ts';
import { parseThresholds } from '../kubelet/eviction/thresholds.ts';
import { runKubeletWith } from '../kubelet/run-kubelet.ts';
import { runNetwork } from '../network/run-network.ts';
import { runProxy } from '../proxy/run-proxy.ts';
import type { Board } from './board.ts';
import { nodeClient, openApiServers } from './node-client.ts';
import { watchAddress } from './watch-address.ts';

const KUBELET_PORT = 10_250;
const RUNTIME = 'unix:///run/containerd/containerd.sock';
const RUNTIME_CONNECT_MS = 5_000;
const MIB = 2 ** 20;
/** What Bramble's own processes and containerd need (bench/memory-board.ts), so that pods are not promised it. */
const RESERVED_MEMORY_BYTES = { control: 352 * MIB, worker: 160 * MIB } as const;

/** What every board runs: kubelet, proxy, pod network and DNS, as one process over one set of caches. */
export async function runAgentPart(board: Board, signal: AbortSignal): Promise<void> {
  const { config, files, address, log } = board;
  await ensureServingCertificate(files, config.name, Date.now());
  const servers = await openApiServers(board);
  const client = nodeClient(board, servers);
  const clock = systemClock;
  const informers = createInformerSet(client, { clock, log });
  const shared = {
    services: informers.of(services),
    endpointSlices: informers.of(endpointSlices),
    nodes: informers.of(nodes),
    nodeName: config.name,
    clusterCidr: config.clusterCidr,
    clock,
  };
  const channel = new GrpcChannel({ url: RUNTIME, connectTimeoutMs: RUNTIME_CONNECT_MS });
  const parts: KubeletParts = { ...defaultParts(channel, log.part('kubelet')), services: shared.services };
  try {
    await runTogether(
      [
        servers,
        informers,
        { run: async (stop) => kubelet(board, client, parts, stop) },
        { run: async (stop) => runProxy({ ...shared, nodeAddresses: [address], log: log.part('proxy') }, stop) },
        { run: async (stop) => network(board, client, parts.runtime, shared, stop) },
        ...(config.nodeAddress === undefined ? [{ run: async (stop: AbortSignal) => sameAddress(board, stop) }] : []),
        {
          run: async (stop) =>
            runKubeletCertificates({ client, files, nodeName: config.name, address, clock, log }, stop),
        },
      ],
      signal,
    );
  } finally {
    client.close();
    channel.close();
  }
}

async function sameAddress({ address, config: { interfaceName } }: Board, signal: AbortSignal): Promise<void> {
  await watchAddress({ address, interfaceName, clock: systemClock }, signal);
}

type Caches = Pick<NetworkOptions, 'services' | 'endpointSlices' | 'nodes' | 'nodeName' | 'clusterCidr'>;

async function kubelet(
  { config, files, address }: Board,
  client: ApiClient,
  parts: KubeletParts,
  signal: AbortSignal,
): Promise<void> {
  const serving = keyPair(files, 'kubelet-server');
  await runKubeletWith(
    parts,
    {
      nodeName: config.name,
      client,
      nodeIps: [address],
      labels: config.labels,
      taints: config.taints,
      reserved: { memoryBytes: RESERVED_MEMORY_BYTES[config.role] },
      ...(config.evictionHard === undefined ? {} : { evictionHard: parseThresholds(config.evictionHard) }),
      clusterDns: [dnsServiceAddress(config.serviceCidr)],
      clusterDomain: config.clusterDomain,
      rootDir: files.kubelet,
      server: {
        address: '0.0.0.0',
        port: KUBELET_PORT,
        certFile: serving.cert,
        keyFile: serving.key,
        clientCaFile: join(files.pki, 'ca.crt'),
      },
    },
    signal,
  );
}

async function network(
  board: Board,
  client: ApiClient,
  runtime: Runtime,
  caches: Caches,
  signal: AbortSignal,
): Promise<void> {
  const { serviceCidr, clusterDomain } = board.config;
  const log = board.log.part('network');
  // The runtime's sandboxes say which pod addresses are still in use after a pulled plug.
  const liveSandboxes = async (stop: AbortSignal): Promise<ReadonlySet<string>> =>
    new Set((await runtime.listSandboxes(stop)).map(({ id }) => id));
  await runNetwork(
    { ...caches, client, serviceCidr, clusterDomain, uplink: board.interfaceName, liveSandboxes, log },
    signal,
  );
}
