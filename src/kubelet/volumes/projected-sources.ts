import type { Pod, Volume, VolumeProjection } from '../../api/objects.ts';
import { isReason, StatusError } from '../../api/status.ts';
import type { Payload, VolumeFile } from './atomic-writer.ts';
import { configMapPayload, secretPayload } from './payload.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import type { DownwardItem, VolumeHost } from './volume-plugin.ts';

const DEFAULT_MODE = 0o644;

interface Sources {
  readonly host: VolumeHost;
  readonly tokens: ServiceAccountTokens;
}

/** What a pod's configMap, secret, downwardAPI or projected volume must hold now. */
export async function payloadOf(
  { host, tokens }: Sources,
  pod: Pod,
  volume: Volume,
  signal: AbortSignal,
): Promise<Payload> {
  const { configMap, secret, downwardAPI, projected } = volume;
  const context = { host, tokens, pod, signal };
  if (configMap !== undefined) return fromConfigMap(context, configMap, configMap.defaultMode ?? DEFAULT_MODE);
  if (secret !== undefined) {
    const { secretName, items, optional } = secret;
    const source = {
      name: secretName ?? '',
      ...(items === undefined ? {} : { items }),
      ...(optional === undefined ? {} : { optional }),
    };
    return fromSecret(context, source, secret.defaultMode ?? DEFAULT_MODE);
  }
  if (downwardAPI !== undefined)
    return fromDownward(context, downwardAPI.items ?? [], downwardAPI.defaultMode ?? DEFAULT_MODE);
  const files = new Map<string, VolumeFile>();
  for (const source of projected?.sources ?? [])
    for (const [path, file] of await fromProjection(context, source, projected?.defaultMode ?? DEFAULT_MODE))
      files.set(path, file);
  return files;
}

interface Context extends Sources {
  readonly pod: Pod;
  readonly signal: AbortSignal;
}

async function fromProjection(context: Context, source: VolumeProjection, defaultMode: number): Promise<Payload> {
  if (source.configMap !== undefined) return fromConfigMap(context, source.configMap, defaultMode);
  if (source.secret !== undefined) return fromSecret(context, source.secret, defaultMode);
  if (source.downwardAPI !== undefined) return fromDownward(context, source.downwardAPI.items ?? [], defaultMode);
  if (source.serviceAccountToken !== undefined) return fromToken(context, source.serviceAccountToken, defaultMode);
  throw new StatusError(
    'BadRequest',
    `a projected source of the kind ${Object.keys(source).join(', ')} is not supported`,
  );
}

interface Named {
  readonly name?: string;
  readonly items?: readonly { readonly key: string; readonly path: string; readonly mode?: number }[];
  readonly optional?: boolean;
}

async function fromConfigMap({ host, pod, signal }: Context, source: Named, defaultMode: number): Promise<Payload> {
  const { name = '' } = source;
  const map = await orAbsent(host.getConfigMap(pod.metadata?.namespace ?? '', name, signal), source);
  return configMapPayload(map, { ...source, defaultMode });
}

async function fromSecret({ host, pod, signal }: Context, source: Named, defaultMode: number): Promise<Payload> {
  const { name = '' } = source;
  const secret = await orAbsent(host.getSecret(pod.metadata?.namespace ?? '', name, signal), source);
  return secretPayload(secret, { ...source, defaultMode });
}

async function orAbsent<T>(found: Promise<T>, { optional }: Named): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (optional === true && isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

type DownwardFile = DownwardItem & { readonly path: string; readonly mode?: number };

function fromDownward({ host, pod }: Context, items: readonly DownwardFile[], defaultMode: number): Payload {
  return new Map(
    items.map((item): [string, VolumeFile] => [
      item.path,
      { content: Buffer.from(host.downwardValue(pod, item), 'utf8'), mode: item.mode ?? defaultMode },
    ]),
  );
}

async function fromToken(
  { tokens, pod, signal }: Context,
  source: { readonly path: string; readonly audience?: string; readonly expirationSeconds?: number },
  defaultMode: number,
): Promise<Payload> {
  const token = await tokens.get(pod, source, signal);
  return new Map([[source.path, tokenFile(pod, token, defaultMode)]]);
}

/**
 * A token is for its pod's user alone where all containers run as one, else for root and the fsGroup
 * (KEP-1205; upstream's projected volume).
 */
function tokenFile(pod: Pod, token: string, defaultMode: number): VolumeFile {
  const content = Buffer.from(token, 'utf8');
  if (pod.spec?.securityContext?.fsGroup !== undefined) return { content, mode: 0o600 };
  const uid = commonUser(pod);
  return uid === undefined ? { content, mode: defaultMode } : { content, mode: 0o600, uid };
}

function commonUser(pod: Pod): number | undefined {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const users = new Set(
    containers.map((one) => one.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser),
  );
  const [only] = users;
  return users.size === 1 ? only : undefined;
}
