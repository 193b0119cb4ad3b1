import { addressAt } from '../api/ipv4.ts';
import type { ConfigMap, KubeObject, Secret, Service } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { ApiClient, Resource } from '../client/api-client.ts';
import { configMaps, secrets, services } from '../client/resources.ts';
import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import type { Log } from '../host/log.ts';
import { type ControlKeys, readFirstTokens } from './authorities.ts';
import type { BoardConfig } from './board-config.ts';
import type { BoardFiles } from './board-files.ts';
import { firstServiceAddress } from './board-certificates.ts';
import type { JoinToken } from './token.ts';

/** Where a new control board finds what all control boards share. */
export const CONTROL_KEYS = { namespace: 'kube-system', name: 'bramble-control-keys' } as const;
/** The group of tokens with which a board may become a control board. */
export const CONTROL_GROUP = 'system:bootstrappers:bramble:control';
/** The group of tokens with which a board may become a worker. */
export const WORKER_GROUP = 'system:bootstrappers:bramble:worker';

/**
 * Puts into the cluster what boards need to join it and pods to find their way: the control boards' shared keys, the
 * first tokens, cluster-info, the DNS Service. Creates what is missing and leaves what is there as it is, so that what
 * an administrator changed or took away stays so.
 */
export async function publishCluster(
  client: ApiClient,
  board: { readonly files: BoardFiles; readonly config: BoardConfig; readonly keys: ControlKeys; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { files, config, keys, log } = board;
  const ensure = async <T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> => {
    try {
      await client.create(resource, object, { signal });
      log.info('published', { kind: resource.kind, name: object.metadata?.name });
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
    }
  };
  await ensure<Secret>(secrets, controlKeysSecret(keys));
  await ensure<ConfigMap>(configMaps, clusterInfo(config, keys.cluster.certPem));
  await ensure<ConfigMap>(configMaps, authenticationConfig(keys));
  await ensure<Service>(services, dnsService(config));
  await publishFirstTokens(files, (secret) => ensure<Secret>(secrets, secret));
}

/**
 * Once only: a token that an administrator has deleted must not come back at the founder's next start.
 */
async function publishFirstTokens(files: BoardFiles, ensure: (secret: Secret) => Promise<void>): Promise<void> {
  const tokens = await readFirstTokens(files);
  const done = `${files.tokens}.published`;
  if (tokens === undefined || (await readFileIfThere(done)) !== undefined) return;
  await ensure(tokenSecret(tokens.control, CONTROL_GROUP, 'Lets control boards join.'));
  await ensure(tokenSecret(tokens.worker, WORKER_GROUP, 'Lets workers join.'));
  await writeFileAtomic(done, '');
}

/**
 * Not encrypted once more with the token, as others do: the token lies next to it in the same store, and who reads the
 * store holds the cluster either way. What guards it is RBAC: only CONTROL_GROUP and administrators may read it.
 */
function controlKeysSecret(keys: ControlKeys): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: CONTROL_KEYS,
    type: 'Opaque',
    data: { keys: Buffer.from(JSON.stringify(keys)).toString('base64') },
  };
}

/** Reads the Secret back. @throws Error when it is not whole */
export function controlKeysOf(secret: Secret): ControlKeys {
  const keys = JSON.parse(Buffer.from(secret.data?.['keys'] ?? '', 'base64').toString('utf8')) as Partial<ControlKeys>;
  const { cluster, store, frontProxy, serviceAccountKey } = keys;
  if (cluster === undefined || store === undefined || frontProxy === undefined || serviceAccountKey === undefined)
    throw new Error(`Secret ${CONTROL_KEYS.namespace}/${CONTROL_KEYS.name} is not whole`);
  return { cluster, store, frontProxy, serviceAccountKey };
}

/** A bootstrap token as the authenticator wants it (KEP-130; bootstrap token Secrets). */
export function tokenSecret(token: JoinToken, group: string, description: string, expiration?: string): Secret {
  const text: Record<string, string> = {
    'token-id': token.id,
    'token-secret': token.secret,
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': group,
    description,
    ...(expiration === undefined ? {} : { expiration }),
  };
  const data = Object.fromEntries(
    Object.entries(text).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${token.id}` },
    type: 'bootstrap.kubernetes.io/token',
    data,
  };
}

/** kubeadm's discovery document: the address and authority of the API, for tools that look for it there. */
function clusterInfo(config: BoardConfig, caPem: string): ConfigMap {
  const server = `https://${config.apiAddress ?? firstServiceAddress(config.serviceCidr)}:6443`;
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: '', cluster: { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') } }],
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'kube-public', name: 'cluster-info' },
    data: { kubeconfig: `${JSON.stringify(kubeconfig)}\n` },
  };
}

/** What extension API servers read to trust the front proxy and clients. */
function authenticationConfig(keys: ControlKeys): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'kube-system', name: 'extension-apiserver-authentication' },
    data: {
      'client-ca-file': keys.cluster.certPem,
      'requestheader-client-ca-file': keys.frontProxy.certPem,
      'requestheader-allowed-names': '["front-proxy-client"]',
      'requestheader-username-headers': '["X-Remote-User"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    },
  };
}

/** Tenth address of the service range, as everywhere in the field. */
export function dnsServiceAddress(serviceCidr: string): string {
  return addressAt(serviceCidr, 10);
}

/** No selector: each board's agent puts its own endpoint in, and internalTrafficPolicy keeps every question on its board. */
function dnsService({ serviceCidr }: BoardConfig): Service {
  const clusterIP = dnsServiceAddress(serviceCidr);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: 'kube-system',
      name: 'kube-dns',
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      clusterIP,
      internalTrafficPolicy: 'Local',
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      ],
    },
  };
}
