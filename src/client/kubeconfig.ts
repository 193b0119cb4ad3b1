import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseYaml } from '../api/yaml.ts';
import { identity, type ClientConfig, type ClientIdentity } from './credentials.ts';

/** The parts of a kubeconfig (client-go tools/clientcmd/api/v1) that machines use; exec plugins are for people. */
interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly Named<'context', { cluster?: string; user?: string; namespace?: string }>[];
  readonly clusters?: readonly Named<'cluster', ClusterEntry>[];
  readonly users?: readonly Named<'user', UserEntry>[];
}

type Named<K extends string, V> = { readonly name: string } & { readonly [key in K]?: V };

interface ClusterEntry {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'tls-server-name'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
}

interface UserEntry {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly exec?: unknown;
  readonly 'auth-provider'?: unknown;
  readonly username?: string;
}

/** Which kubeconfig, and which of its contexts. */
export interface KubeconfigOptions {
  /** Context to use instead of current-context. */
  readonly context?: string;
  /** API servers to keep in hand besides the one in the file, tried first in this order. */
  readonly servers?: readonly string[];
}

/**
 * Reads a kubeconfig. Its own file and those it names are read again when they change, so a renewal needs no restart.
 * @throws Error saying which file and what is wrong in it
 */
export async function loadKubeconfig(path: string, options: KubeconfigOptions = {}): Promise<ClientConfig> {
  const { cluster, user, namespace } = await read(path, options.context);
  const server = cluster.server ?? '';
  if (!server.startsWith('https://')) throw new Error(`${path}: server must be an https:// address: got "${server}"`);
  if (user.exec !== undefined || user['auth-provider'] !== undefined || user.username !== undefined)
    throw new Error(`${path}: only client certificates and tokens are supported, not exec, auth-provider or username`);
  const named = [cluster['certificate-authority'], user['client-certificate'], user['client-key'], user.tokenFile];
  return {
    servers: [...new Set([...(options.servers ?? []), server.replace(/\/$/, '')])],
    files: [path, ...named.filter((file) => file !== undefined).map((file) => resolve(dirname(path), file))],
    load: async () => identityOf(path, await read(path, options.context)),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

interface Selected {
  readonly cluster: ClusterEntry;
  readonly user: UserEntry;
  readonly namespace: string | undefined;
}

async function read(path: string, wanted: string | undefined): Promise<Selected> {
  const config = (parseYaml(await readFile(path, 'utf8')) ?? {}) as Kubeconfig;
  const name = wanted ?? config['current-context'] ?? '';
  const context = config.contexts?.find((entry) => entry.name === name)?.context;
  if (context === undefined) throw new Error(`${path}: there is no context "${name}"`);
  const cluster = config.clusters?.find((entry) => entry.name === context.cluster)?.cluster;
  if (cluster === undefined) throw new Error(`${path}: there is no cluster "${context.cluster}"`);
  const user = config.users?.find((entry) => entry.name === context.user)?.user;
  return { cluster, user: user ?? {}, namespace: context.namespace };
}

async function identityOf(path: string, { cluster, user }: Selected): Promise<ClientIdentity> {
  const either = async (data: string | undefined, file: string | undefined): Promise<string | undefined> => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    return file === undefined ? undefined : readFile(resolve(dirname(path), file), 'utf8');
  };
  const [ca, cert, key, tokenText] = await Promise.all([
    either(cluster['certificate-authority-data'], cluster['certificate-authority']),
    either(user['client-certificate-data'], user['client-certificate']),
    either(user['client-key-data'], user['client-key']),
    either(undefined, user.tokenFile),
  ]);
  return identity({
    ca,
    cert,
    key,
    token: tokenText?.trim() ?? user.token,
    serverName: cluster['tls-server-name'],
    insecureSkipVerify: cluster['insecure-skip-tls-verify'],
  });
}
