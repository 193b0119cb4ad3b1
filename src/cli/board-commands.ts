import { join } from 'node:path';
import type { Command } from 'commander';
import { rfc3339 } from '../api/time.ts';
import { initCluster, readControlKeys } from '../bootstrap/authorities.ts';
import { boardFiles, keyPair } from '../bootstrap/board-files.ts';
import { CONTROL_GROUP, tokenSecret, WORKER_GROUP } from '../bootstrap/publish.ts';
import { createToken, formatToken } from '../bootstrap/token.ts';
import { configFromFiles } from '../client/credentials.ts';
import { createHttpApiClient } from '../client/http-api-client.ts';
import { secrets } from '../client/resources.ts';
import { publicKeyHash } from '../host/pki.ts';
import { LOCAL_API } from './board.ts';
import { adminKubeconfig } from './kubeconfig.ts';
import { PARTS } from './parts.ts';

/** Adds what runs on a board: its parts, and what an administrator types there. */
export function registerBoardCommands(program: Command): void {
  program
    .command('init')
    .description('make the authorities and first tokens of a new cluster on the board that founds it')
    .action(async () => {
      await initCluster(boardFiles(), Date.now());
    });
  for (const { name, description, run } of PARTS) program.command(name).description(description).action(run);
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
