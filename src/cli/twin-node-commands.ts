import { hostname } from 'node:os';
import type { Command } from 'commander';
import { createInformerSet } from '../client/informer-set.ts';
import { endpointSlices, nodes, services } from '../client/resources.ts';
import { systemClock } from '../host/clock.ts';
import { findOwnAddress } from '../host/own-address.ts';
import { runTogether } from '../host/run-together.ts';
import { runPart } from './run-part.ts';
import { withClient } from './with-client.ts';

/** kubelet and DNS as processes of their own; the kubelet's flags are its twin's, DNS has no twin with flags of its own. */
export function registerNodeTwinCommands(program: Command): void {
  registerKubelet(program);
  registerDns(program);
}

interface KubeletFlags {
  readonly kubeconfig: string;
  readonly hostnameOverride: string;
  readonly nodeIp?: string;
  readonly nodeLabels: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly containerRuntimeEndpoint: string;
  readonly rootDir: string;
  readonly evictionHard?: string;
  readonly allowedUnsafeSysctls: string;
  readonly podManifestPath: string;
  readonly tlsCertFile: string;
  readonly tlsPrivateKeyFile: string;
  readonly clientCaFile: string;
}

function registerKubelet(program: Command): void {
  program
    .command('kubelet')
    .description('run the kubelet alone, before any API server and CRI runtime')
    .requiredOption('--kubeconfig <file>', 'how to reach the API server, as system:node:<name>')
    .option('--hostname-override <name>', 'name of the Node', hostname().toLowerCase())
    .option('--node-ip <address>', 'address of the Node (default: that of the default route)')
    .option('--node-labels <labels>', 'labels at registration: a=b,c=d', '')
    .option('--cluster-dns <addresses>', 'DNS servers of pods, separated by commas', '10.96.0.10')
    .option('--cluster-domain <name>', 'domain of the cluster', 'cluster.local')
    .option('--container-runtime-endpoint <url>', 'socket of the runtime', 'unix:///run/containerd/containerd.sock')
    .option('--root-dir <folder>', 'where pods keep their volumes', '/var/lib/kubelet')
    .option('--eviction-hard <thresholds>', 'what must be left: memory.available<100Mi,... (default: as upstream)')
    .option('--allowed-unsafe-sysctls <names>', 'settings of the kernel that pods may make: net.core.somaxconn,...', '')
    .option('--pod-manifest-path <folder>', 'static pods', '/etc/kubernetes/manifests')
    .requiredOption('--tls-cert-file <file>', 'serving certificate')
    .requiredOption('--tls-private-key-file <file>', 'its key')
    .requiredOption('--client-ca-file <file>', 'authority of clients')
    .action((flags: KubeletFlags) =>
      runPart('kubelet', async (log, signal) => {
        const { GrpcChannel } = await import('../host/grpc/grpc-channel.ts');
        const { defaultParts } = await import('../kubelet/default-parts.ts');
        const { runKubeletWith } = await import('../kubelet/run-kubelet.ts');
        const { parseThresholds } = await import('../kubelet/eviction/thresholds.ts');
        const channel = new GrpcChannel({ url: flags.containerRuntimeEndpoint, connectTimeoutMs: 5_000 });
        const nodeIp = flags.nodeIp ?? (await findOwnAddress())?.address;
        if (nodeIp === undefined) throw new Error('this machine has no address: give --node-ip');
        try {
          await withClient(flags.kubeconfig, 'kubelet', async (client) =>
            runKubeletWith(
              defaultParts(channel, log),
              {
                client,
                nodeName: flags.hostnameOverride,
                nodeIps: [nodeIp],
                labels: readLabels(flags.nodeLabels),
                clusterDns: flags.clusterDns.split(','),
                clusterDomain: flags.clusterDomain,
                runtimeEndpoint: flags.containerRuntimeEndpoint,
                rootDir: flags.rootDir,
                staticPodDir: flags.podManifestPath,
                allowedUnsafeSysctls: flags.allowedUnsafeSysctls.split(',').filter((name) => name !== ''),
                ...(flags.evictionHard === undefined ? {} : { evictionHard: parseThresholds(flags.evictionHard) }),
                server: {
                  address: '0.0.0.0',
                  port: 10_250,
                  certFile: flags.tlsCertFile,
                  keyFile: flags.tlsPrivateKeyFile,
                  clientCaFile: flags.clientCaFile,
                },
              },
              signal,
            ),
          );
        } finally {
          channel.close();
        }
      }),
    );
}

interface DnsFlags {
  readonly kubeconfig: string;
  readonly hostnameOverride: string;
  readonly listenAddress: string;
  readonly clusterDomain: string;
  readonly clusterCidr: string;
  readonly serviceClusterIpRange: string;
}

function registerDns(program: Command): void {
  program
    .command('dns')
    .description('run the DNS server alone, before any API server')
    .requiredOption('--kubeconfig <file>', 'how to reach the API server')
    .requiredOption('--listen-address <address>', 'where to answer, on port 53')
    .option('--hostname-override <name>', 'name of the Node', hostname().toLowerCase())
    .option('--cluster-domain <name>', 'domain of the cluster', 'cluster.local')
    .option('--cluster-cidr <cidr>', 'addresses of pods', '10.244.0.0/16')
    .option('--service-cluster-ip-range <cidr>', 'addresses of Services', '10.96.0.0/12')
    .action((flags: DnsFlags) =>
      runPart('dns', async (log, signal) => {
        const { runDns } = await import('../network/dns/run-dns.ts');
        await withClient(flags.kubeconfig, 'dns', async (client) => {
          const informers = createInformerSet(client, { clock: systemClock, log });
          const dns = {
            client,
            services: informers.of(services),
            endpointSlices: informers.of(endpointSlices),
            nodes: informers.of(nodes),
            nodeName: flags.hostnameOverride,
            listenAddress: flags.listenAddress,
            clusterDomain: flags.clusterDomain,
            clusterCidr: flags.clusterCidr,
            serviceCidr: flags.serviceClusterIpRange,
            log,
          };
          await runTogether([informers, { run: async (stop) => runDns(dns, stop) }], signal);
        });
      }),
    );
}

/** @throws Error for what is no label */
function readLabels(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key = '', value, ...rest] = pair.split('=');
      if (key === '' || value === undefined || rest.length > 0) throw new Error(`--node-labels: '${pair}' is no label`);
      return [key, value];
    }),
  );
}
