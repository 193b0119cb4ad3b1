import type { Command } from 'commander';
import { allOrNone, durationMs, positive, split } from './flag-values.ts';
import { runPart } from './run-part.ts';

interface StoreFlags {
  readonly name: string;
  readonly dataDir: string;
  readonly listenClientUrls: string;
  readonly advertiseClientUrls?: string;
  readonly listenPeerUrls: string;
  readonly initialAdvertisePeerUrls?: string;
  readonly initialCluster?: string;
  readonly initialClusterState: string;
  readonly initialClusterToken: string;
  readonly listenMetricsUrls: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly trustedCaFile?: string;
  readonly peerCertFile?: string;
  readonly peerKeyFile?: string;
  readonly peerTrustedCaFile?: string;
  readonly quotaBackendBytes: string;
  readonly watchProgressNotifyInterval: string;
}

/**
 * Gives the part `store` its twin's flags besides: with any of them it is a member by itself, of no board. With TLS, clients
 * and peers must have a certificate (etcd's --client-cert-auth): there is no half of it.
 */
export function registerStoreTwin(program: Command): void {
  program.commands
    .find((command) => command.name() === 'store')
    ?.usage('[etcd’s flags; none of them: as the board’s configuration says]')
    .option('--name <name>', 'name of the member', 'default')
    .option('--data-dir <folder>', 'where the log is', 'default.etcd')
    .option('--listen-client-urls <urls>', 'where clients are served', 'http://localhost:2379')
    .option('--advertise-client-urls <urls>', 'where clients find this member (default: where it listens)')
    .option('--listen-peer-urls <urls>', 'where other members are served', 'http://localhost:2380')
    .option('--initial-advertise-peer-urls <urls>', 'where other members find this one (default: where it listens)')
    .option('--initial-cluster <members>', 'name=peerUrl of each member, separated by commas (default: this one)')
    .option('--initial-cluster-state <state>', 'new or existing', 'new')
    .option('--initial-cluster-token <token>', 'tells clusters apart', 'etcd-cluster')
    .option('--listen-metrics-urls <urls>', 'plain /health and /metrics, on loopback', '')
    .option('--cert-file <file>', 'serving certificate')
    .option('--key-file <file>', 'its key')
    .option('--trusted-ca-file <file>', 'authority of clients')
    .option('--client-cert-auth', 'always so with TLS')
    .option('--peer-cert-file <file>', 'certificate towards other members')
    .option('--peer-key-file <file>', 'its key')
    .option('--peer-trusted-ca-file <file>', 'authority of other members')
    .option('--peer-client-cert-auth', 'always so with TLS')
    .option('--quota-backend-bytes <bytes>', 'more than this raises the NOSPACE alarm', String(2 ** 31))
    .option('--watch-progress-notify-interval <duration>', 'as 5s: how often watches that ask hear of progress', '5s')
    .action((flags: StoreFlags) =>
      runPart('store', async (log, signal) => {
        const { runStore } = await import('../store/run-store.ts');
        const clientTls = allOrNone(
          flags.trustedCaFile,
          flags.certFile,
          flags.keyFile,
          '--trusted-ca-file, --cert-file and --key-file',
        );
        const peerTls = allOrNone(
          flags.peerTrustedCaFile,
          flags.peerCertFile,
          flags.peerKeyFile,
          '--peer-trusted-ca-file, --peer-cert-file and --peer-key-file',
        );
        const peerUrls = flags.initialAdvertisePeerUrls ?? flags.listenPeerUrls;
        await runStore(
          {
            name: flags.name,
            dataDir: flags.dataDir,
            listenClientUrls: split(flags.listenClientUrls),
            advertiseClientUrls: split(flags.advertiseClientUrls ?? flags.listenClientUrls),
            listenPeerUrls: split(flags.listenPeerUrls),
            advertisePeerUrls: split(peerUrls),
            initialCluster: flags.initialCluster ?? `${flags.name}=${peerUrls}`,
            initialClusterState: newOrExisting(flags.initialClusterState),
            initialClusterToken: flags.initialClusterToken,
            listenMetricsUrls: split(flags.listenMetricsUrls),
            ...(clientTls === undefined ? {} : { clientTls }),
            ...(peerTls === undefined ? {} : { peerTls }),
            quotaBytes: positive(flags.quotaBackendBytes, '--quota-backend-bytes'),
            watchProgressNotifyMs: durationMs(flags.watchProgressNotifyInterval, '--watch-progress-notify-interval'),
            log,
          },
          signal,
        );
      }),
    );
}

/** @throws Error for another word */
function newOrExisting(state: string): 'new' | 'existing' {
  if (state === 'new' || state === 'existing') return state;
  throw new Error(`--initial-cluster-state must be new or existing: got '${state}'`);
}
