import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { parseYaml } from '../api/yaml.ts';
import type { ApiServerOptions } from '../apiserver/options.ts';
import { createInformerSet } from '../client/informer-set.ts';
import { runLeaderElection } from '../client/leader-election.ts';
import { endpointSlices, nodes, services } from '../client/resources.ts';
import { systemClock } from '../host/clock.ts';
import { runTogether } from '../host/run-together.ts';
import { findOwnAddress } from '../host/own-address.ts';
import { allOrNone, port, seconds, split } from './flag-values.ts';
import { runPart } from './run-part.ts';
import { serviceAccountClients } from './service-account-clients.ts';
import { registerNodeTwinCommands } from './twin-node-commands.ts';
import { registerStoreTwin } from './twin-store-command.ts';
import { withClient } from './with-client.ts';

/**
 * Parts as processes of their own, in the place of their upstream twins: the flags are the twins'. On boards `bramble
 * server` and `bramble agent` run them together.
 */
export function registerTwinCommands(program: Command): void {
  registerStoreTwin(program);
  registerApiServer(program);
  registerScheduler(program);
  registerControllerManager(program);
  registerProxy(program);
  registerNodeTwinCommands(program);
}

interface ApiServerFlags {
  readonly etcdServers: string;
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
  readonly bindAddress: string;
  readonly securePort: string;
  readonly advertiseAddress?: string;
  readonly tlsCertFile: string;
  readonly tlsPrivateKeyFile: string;
  readonly clientCaFile: string;
  readonly serviceAccountIssuer: string;
  readonly serviceAccountSigningKeyFile: string;
  readonly serviceAccountKeyFile: string[];
  readonly apiAudiences?: string;
  readonly serviceClusterIpRange: string;
  readonly kubeletClientCertificate?: string;
  readonly kubeletClientKey?: string;
  readonly kubeletCertificateAuthority?: string;
  readonly requestheaderClientCaFile?: string;
  readonly requestheaderAllowedNames: string;
  readonly defaultNotReadyTolerationSeconds?: string;
  readonly defaultUnreachableTolerationSeconds?: string;
}

function registerApiServer(program: Command): void {
  program
    .command('apiserver')
    .description('run the API server alone, over any etcd')
    .requiredOption('--etcd-servers <urls>', 'etcd servers, separated by commas; the first is preferred')
    .option('--etcd-cafile <file>', 'authority of the etcd servers')
    .option('--etcd-certfile <file>', 'client certificate for etcd')
    .option('--etcd-keyfile <file>', 'its key')
    .option('--bind-address <address>', 'where to listen', '0.0.0.0')
    .option('--secure-port <port>', 'port to listen on', '6443')
    .option(
      '--advertise-address <address>',
      'where others reach this server (default: the address of the default route)',
    )
    .requiredOption('--tls-cert-file <file>', 'serving certificate')
    .requiredOption('--tls-private-key-file <file>', 'its key')
    .requiredOption('--client-ca-file <file>', 'authority of client certificates')
    .option('--service-account-issuer <url>', 'issuer of tokens', 'https://kubernetes.default.svc.cluster.local')
    .requiredOption('--service-account-signing-key-file <file>', 'key that signs tokens')
    .option('--service-account-key-file <files...>', 'further keys whose tokens are believed', [])
    .option('--api-audiences <names>', 'audiences of the API server, separated by commas')
    .option('--service-cluster-ip-range <cidr>', 'addresses of Services', '10.96.0.0/12')
    .option('--kubelet-client-certificate <file>', 'identity towards kubelets')
    .option('--kubelet-client-key <file>', 'its key')
    .option('--kubelet-certificate-authority <file>', 'authority of kubelets')
    .option('--requestheader-client-ca-file <file>', 'authority of front proxies')
    .option('--requestheader-allowed-names <names>', 'common names of front proxies, separated by commas', '')
    .option('--default-not-ready-toleration-seconds <seconds>', 'how long pods bear with a node that is not ready (30)')
    .option('--default-unreachable-toleration-seconds <seconds>', 'how long pods bear with a node that is silent (8)')
    .action((flags: ApiServerFlags) =>
      runPart('apiserver', async (_log, signal) => {
        const { runApiServer } = await import('../apiserver/run-apiserver.ts');
        await runApiServer(await apiServerOptions(flags), signal);
      }),
    );
}

async function apiServerOptions(flags: ApiServerFlags): Promise<ApiServerOptions> {
  const advertiseAddress = flags.advertiseAddress ?? (await findOwnAddress())?.address;
  if (advertiseAddress === undefined) throw new Error('this machine has no address: give --advertise-address');
  const etcdTls = allOrNone(
    flags.etcdCafile,
    flags.etcdCertfile,
    flags.etcdKeyfile,
    '--etcd-cafile, -certfile and -keyfile',
  );
  const kubelet = allOrNone(
    flags.kubeletCertificateAuthority,
    flags.kubeletClientCertificate,
    flags.kubeletClientKey,
    '--kubelet-certificate-authority, --kubelet-client-certificate and -key',
  );
  const { requestheaderClientCaFile: clientCaFile } = flags;
  const { defaultNotReadyTolerationSeconds: notReady, defaultUnreachableTolerationSeconds: unreachable } = flags;
  return {
    etcdServers: split(flags.etcdServers),
    ...(etcdTls === undefined ? {} : { etcdTls }),
    bindAddress: flags.bindAddress,
    securePort: port(flags.securePort, '--secure-port'),
    advertiseAddress,
    tlsCertFile: flags.tlsCertFile,
    tlsPrivateKeyFile: flags.tlsPrivateKeyFile,
    clientCaFile: flags.clientCaFile,
    serviceAccountIssuer: flags.serviceAccountIssuer,
    serviceAccountSigningKeyFile: flags.serviceAccountSigningKeyFile,
    serviceAccountKeyFiles: flags.serviceAccountKeyFile,
    apiAudiences: split(flags.apiAudiences ?? ''),
    serviceClusterIpRange: flags.serviceClusterIpRange,
    ...(kubelet === undefined ? {} : { kubelet }),
    ...(notReady === undefined
      ? {}
      : { defaultNotReadyTolerationSeconds: seconds(notReady, '--default-not-ready-toleration-seconds') }),
    ...(unreachable === undefined
      ? {}
      : { defaultUnreachableTolerationSeconds: seconds(unreachable, '--default-unreachable-toleration-seconds') }),
    ...(clientCaFile === undefined
      ? {}
      : { requestHeader: { clientCaFile, allowedNames: split(flags.requestheaderAllowedNames) } }),
  };
}

function registerScheduler(program: Command): void {
  program
    .command('scheduler')
    .description('run the scheduler alone, before any API server')
    .requiredOption('--kubeconfig <file>', 'how to reach the API server')
    .option('--config <file>', 'a KubeSchedulerConfiguration')
    .action((flags: { kubeconfig: string; config?: string }) =>
      runPart('scheduler', async (log, signal) => {
        const { runScheduler } = await import('../scheduler/run-scheduler.ts');
        const config = flags.config === undefined ? {} : { config: parseYaml(await readFile(flags.config, 'utf8')) };
        await withClient(flags.kubeconfig, 'scheduler', async (client) => {
          const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
          const election = { client, lease, identity: identity(), clock: systemClock, log };
          await runLeaderElection(
            election,
            async (leading) => runScheduler({ client, log, ...config }, leading),
            signal,
          );
        });
      }),
    );
}

/** What the API is called in every cluster, and its usual address. */
const API_NAMES = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '10.96.0.1',
];

interface ControllerManagerFlags {
  readonly kubeconfig: string;
  readonly clusterSigningCertFile: string;
  readonly clusterSigningKeyFile: string;
  readonly clusterCidr: string;
  readonly apiName: string[];
  readonly useServiceAccountCredentials?: boolean;
}

function registerControllerManager(program: Command): void {
  program
    .command('controller-manager')
    .description('run the controllers alone, before any API server')
    .requiredOption('--kubeconfig <file>', 'how to reach the API server')
    .requiredOption('--cluster-signing-cert-file <file>', 'authority that signs boards, published to pods')
    .requiredOption('--cluster-signing-key-file <file>', 'its key')
    .option('--cluster-cidr <cidr>', 'addresses of pods', '10.244.0.0/16')
    .option('--api-name <names...>', 'names and addresses of the API, for which no board gets a certificate', API_NAMES)
    .option('--use-service-account-credentials', 'each controller with the rights of its own service account')
    .action((flags: ControllerManagerFlags) =>
      runPart('controller-manager', async (log, signal) => {
        const { runControllers } = await import('../controller/run-controllers.ts');
        const [certPem, keyPem] = await Promise.all([
          readFile(flags.clusterSigningCertFile, 'utf8'),
          readFile(flags.clusterSigningKeyFile, 'utf8'),
        ]);
        await withClient(flags.kubeconfig, 'controller-manager', async (client) => {
          const { clusterCidr } = flags;
          const own = {
            client,
            identity: identity(),
            authority: { certPem, keyPem },
            apiNames: new Set(flags.apiName),
            clusterCidr,
          };
          const accounts = await serviceAccountClients(flags.kubeconfig, client);
          const clientOf = flags.useServiceAccountCredentials === true ? { clientOf: accounts.of } : {};
          await runControllers({ ...own, ...clientOf, clock: systemClock, log }, signal).finally(accounts.close);
        });
      }),
    );
}

function registerProxy(program: Command): void {
  program
    .command('proxy')
    .description('run the service proxy alone, before any API server')
    .requiredOption('--kubeconfig <file>', 'how to reach the API server')
    .option('--hostname-override <name>', 'name of the Node', hostname().toLowerCase())
    .option('--cluster-cidr <cidr>', 'addresses of pods', '10.244.0.0/16')
    .action((flags: { kubeconfig: string; hostnameOverride: string; clusterCidr: string }) =>
      runPart('proxy', async (log, signal) => {
        const { runProxy } = await import('../proxy/run-proxy.ts');
        const own = await findOwnAddress();
        await withClient(flags.kubeconfig, 'proxy', async (client) => {
          const informers = createInformerSet(client, { clock: systemClock, log });
          const proxy = {
            services: informers.of(services),
            endpointSlices: informers.of(endpointSlices),
            nodes: informers.of(nodes),
            nodeName: flags.hostnameOverride,
            nodeAddresses: own === undefined ? [] : [own.address],
            clusterCidr: flags.clusterCidr,
            log,
          };
          await runTogether([informers, { run: async (stop) => runProxy(proxy, stop) }], signal);
        });
      }),
    );
}

/** A name for this process among the candidates for a lease. */
function identity(): string {
  return `${hostname()}_${randomBytes(8).toString('hex')}`;
}
