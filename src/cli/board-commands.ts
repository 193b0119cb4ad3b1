import { join } from 'node:path';
import type { Command } from 'commander';
import { rfc3339 } from '../api/time.ts';
import { initCluster, readControlKeys } from '../bootstrap/authorities.ts';
import { loadBoardConfig } from '../bootstrap/board-config.ts';
import { boardFiles, keyPair } from '../bootstrap/board-files.ts';
import { runJoin } from '../bootstrap/join.ts';
import { CONTROL_GROUP, tokenSecret, WORKER_GROUP } from '../bootstrap/publish.ts';
import { createToken, formatToken } from '../bootstrap/token.ts';
import { configFromFiles, identity } from '../client/credentials.ts';
import { createHttpApiClient } from '../client/http-api-client.ts';
import { secrets } from '../client/resources.ts';
import { publicKeyHash } from '../host/pki.ts';
import { LOCAL_API, openBoard } from './board.ts';
import { adminKubeconfig } from './kubeconfig.ts';
import { runPart } from './run-part.ts';

/** Adds what runs on a board: its parts, and what an administrator types there. Each part is loaded only when it runs. */
export function registerBoardCommands(program: Command): void {
  program
    .command('init')
    .description('make the authorities and first tokens of a new cluster on the board that founds it')
    .action(async () => {
      await initCluster(boardFiles(), Date.now());
    });
  program
    .command('join')
    .description('found or join the cluster, and see that the keys and certificates are there')
    .action(() =>
      runPart('join', async (log, signal) => {
        const files = boardFiles();
        const config = await loadBoardConfig(files.config);
        await runJoin({ config, files, openClient, log }, signal);
      }),
    );
  program
    .command('store')
    .description('run the store: a Raft member that serves the etcd v3 API')
    .action(() =>
      runPart('store', async (log, signal) => {
        const { runStorePart } = await import('./run-store-part.ts');
        await runStorePart(await openBoard(log, signal), signal);
      }),
    );
  program
    .command('server')
    .description('run API server, scheduler, controllers and the floating address')
    .action(() =>
      runPart('server', async (log, signal) => {
        const { runServerPart } = await import('./run-server-part.ts');
        await runServerPart(await openBoard(log, signal), signal);
      }),
    );
  program
    .command('agent')
    .description('run kubelet, proxy, pod network and DNS')
    .action(() =>
      runPart('agent', async (log, signal) => {
        const { runAgentPart } = await import('./run-agent-part.ts');
        await runAgentPart(await openBoard(log, signal), signal);
      }),
    );
  program
    .command('kubeconfig')
    .description("print an administrator's kubeconfig (on a control board)")
    .option('--server <url>', 'address of the API in it', LOCAL_API)
    .option('--tls-server-name <name>', 'name to expect in the certificate, where it is not the address')
    .action(async (flags: { server: string; tlsServerName?: string }) => {
      process.stdout.write(await adminKubeconfig(boardFiles(), flags));
    });
  program
    .command('token')
    .description('make a token for further boards (on a control board)')
    .option('--role <role>', 'control or worker', 'worker')
    .option('--hours <hours>', 'how long it is good for', '24')
    .action(async (flags: { role: string; hours: string }) => {
      process.stdout.write(`${await makeToken(flags)}\n`);
    });
}

/** Opens a client with a bootstrap token on a server that has proved to be the cluster's. */
const openClient: Parameters<typeof runJoin>[0]['openClient'] = ({ address, port, caPem }, token) =>
  createHttpApiClient({
    config: {
      servers: [`https://${address}:${port}`],
      files: [],
      load: async () =>
        identity({
          ca: caPem,
          token,
          cert: undefined,
          key: undefined,
          serverName: undefined,
          insecureSkipVerify: undefined,
        }),
    },
    userAgent: 'bramble-join/v1.36.0',
  });

async function makeToken({ role, hours }: { role: string; hours: string }): Promise<string> {
  if (role !== 'control' && role !== 'worker') throw new Error(`--role must be control or worker: got '${role}'`);
  const lifeHours = Number(hours);
  if (!(lifeHours > 0)) throw new Error(`--hours must be a number above 0: got '${hours}'`);
  const files = boardFiles();
  const keys = await readControlKeys(files);
  if (keys === undefined) throw new Error('tokens are made on control boards: this is none');
  const token = createToken(publicKeyHash(keys.cluster.certPem));
  const pair = keyPair(files, 'admin');
  const config = configFromFiles({
    servers: [LOCAL_API],
    caFile: join(files.pki, 'ca.crt'),
    certFile: pair.cert,
    keyFile: pair.key,
  });
  const client = createHttpApiClient({ config, userAgent: 'bramble-token/v1.36.0' });
  const expiration = rfc3339(Date.now() + lifeHours * 3_600_000);
  try {
    const group = role === 'control' ? CONTROL_GROUP : WORKER_GROUP;
    await client.create(secrets, tokenSecret(token, group, `Lets a ${role} join.`, expiration));
  } finally {
    client.close();
  }
  return formatToken(token);
}
