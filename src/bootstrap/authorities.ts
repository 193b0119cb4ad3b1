import { createAuthority, createKey, publicKeyHash, publicKeyOf, type Authority } from '../host/pki.ts';
import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import { join } from 'node:path';
import type { BoardFiles } from './board-files.ts';
import { createToken, formatToken, type JoinToken, parseToken } from './token.ts';

/**
 * What all control boards share and no worker ever sees. The store has an authority of its own, so that no certificate
 * of the cluster (a kubelet's, a user's) opens the store.
 */
export interface ControlKeys {
  readonly cluster: Authority;
  readonly store: Authority;
  readonly frontProxy: Authority;
  /** Signs service-account tokens; PEM. */
  readonly serviceAccountKey: string;
}

/** File names below the pki folder, as kubeadm calls them (the store's as its etcd folder). */
const CERTIFICATES = { cluster: 'ca', store: 'store-ca', frontProxy: 'front-proxy-ca' } as const;

type AuthorityName = keyof typeof CERTIFICATES;

const NAMES: readonly AuthorityName[] = ['cluster', 'store', 'frontProxy'];

/** What founding a cluster makes, once: three authorities and the key that signs service account tokens. */
export async function createControlKeys(nowMs: number): Promise<ControlKeys> {
  return {
    cluster: await createAuthority('kubernetes', nowMs),
    store: await createAuthority('etcd-ca', nowMs),
    frontProxy: await createAuthority('front-proxy-ca', nowMs),
    serviceAccountKey: await createKey(),
  };
}

/** The board's copy, or undefined where any part is missing. */
export async function readControlKeys(files: BoardFiles): Promise<ControlKeys | undefined> {
  const read = async (name: string): Promise<string | undefined> => readFileIfThere(join(files.pki, name));
  const found: Partial<Record<AuthorityName, Authority>> = {};
  for (const name of NAMES) {
    const [certPem, keyPem] = [await read(`${CERTIFICATES[name]}.crt`), await read(`${CERTIFICATES[name]}.key`)];
    if (certPem !== undefined && keyPem !== undefined) found[name] = { certPem, keyPem };
  }
  const serviceAccountKey = await read('sa.key');
  const { cluster, store, frontProxy } = found;
  if (cluster === undefined || store === undefined || frontProxy === undefined || serviceAccountKey === undefined)
    return undefined;
  return { cluster, store, frontProxy, serviceAccountKey };
}

/** The cluster authority's key goes last: it is what says that the set is whole. */
export async function writeControlKeys(files: BoardFiles, keys: ControlKeys): Promise<void> {
  await writeFileAtomic(join(files.pki, 'sa.key'), keys.serviceAccountKey);
  await writeFileAtomic(join(files.pki, 'sa.pub'), publicKeyOf(keys.serviceAccountKey), 0o644);
  for (const name of NAMES.toReversed()) {
    await writeFileAtomic(join(files.pki, `${CERTIFICATES[name]}.crt`), keys[name].certPem, 0o644);
    await writeFileAtomic(join(files.pki, `${CERTIFICATES[name]}.key`), keys[name].keyPem);
  }
}

/** The tokens that the founder made, by the role of the boards that may use them. */
export interface FirstTokens {
  readonly control: JoinToken;
  readonly worker: JoinToken;
}

/**
 * Makes the cluster's authorities and first tokens on the founder. Called again it gives back what is there: nothing is
 * ever made twice. @throws Error when this board belongs to a cluster that it did not found
 */
export async function initCluster(files: BoardFiles, nowMs: number): Promise<FirstTokens> {
  const existing = await readFirstTokens(files);
  const keys = await readControlKeys(files);
  if (existing !== undefined && keys !== undefined) return existing;
  if (keys !== undefined && existing === undefined)
    throw new Error('this board has joined a cluster already: ask the board that founded it for tokens');
  const fresh = await createControlKeys(nowMs);
  const caHash = publicKeyHash(fresh.cluster.certPem);
  const tokens: FirstTokens = { control: createToken(caHash), worker: createToken(caHash) };
  await writeFileAtomic(
    files.tokens,
    `${JSON.stringify({ control: formatToken(tokens.control), worker: formatToken(tokens.worker) })}\n`,
  );
  await writeControlKeys(files, fresh);
  return tokens;
}

/** The founder's first tokens, or undefined on every other board. */
export async function readFirstTokens(files: BoardFiles): Promise<FirstTokens | undefined> {
  const text = await readFileIfThere(files.tokens);
  if (text === undefined) return undefined;
  const { control = '', worker = '' } = JSON.parse(text) as { control?: string; worker?: string };
  const tokens = { control: parseToken(control), worker: parseToken(worker) };
  if (tokens.control === undefined || tokens.worker === undefined) return undefined;
  return { control: tokens.control, worker: tokens.worker };
}
