import { KindTable } from '../../src/api/kinds/kind-table.ts';
import { KINDS } from '../../src/api/kinds/rows.ts';
import type { KubeObject, Namespace, ObjectMeta, Pod, ServiceAccount, UnknownObject } from '../../src/api/objects.ts';
import { StatusError } from '../../src/api/status.ts';
import { createAdmission } from '../../src/apiserver/admission/default-plugins.ts';
import { createAuthenticator } from '../../src/apiserver/authentication/create-authenticator.ts';
import { SYSTEM_USER, type UserInfo } from '../../src/apiserver/authentication/authenticator.ts';
import { readServiceAccountKeys } from '../../src/apiserver/authentication/service-account-keys.ts';
import { TokenSigner } from '../../src/apiserver/authentication/token-signer.ts';
import { ensurePolicy } from '../../src/apiserver/authorization/bootstrap/ensure-policy.ts';
import { createAuthorization, type Authorization } from '../../src/apiserver/authorization/create-authorizer.ts';
import type { ObjectRequest } from '../../src/apiserver/registry/core.ts';
import { createObject } from '../../src/apiserver/registry/create-object.ts';
import { deleteObject } from '../../src/apiserver/registry/delete-object.ts';
import { Registry } from '../../src/apiserver/registry/registry.ts';
import { updateObject } from '../../src/apiserver/registry/update-object.ts';
import { ClusterIpAllocator } from '../../src/apiserver/strategies/cluster-ip-allocator.ts';
import { NodePortAllocator } from '../../src/apiserver/strategies/node-port-allocator.ts';
import { createStrategies } from '../../src/apiserver/strategies/strategies.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { createKey } from '../../src/host/pki.ts';
import { MemoryStorage } from './memory-storage.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
export const ADMIN: UserInfo = {
  name: 'kubernetes-admin',
  uid: '',
  groups: ['system:masters', 'system:authenticated'],
  extra: {},
};

/** An object as tests write it: of any kind, with what matters to the test. */
interface Loose {
  metadata?: ObjectMeta;
  spec?: unknown;
  rules?: unknown;
}

/** An API server without its network: registry, strategies, admission and authorization over a store in memory. */
export class DecisionServer {
  readonly registry: Registry;
  readonly authorization: Authorization;
  readonly signer: TokenSigner;
  readonly #tokens: ReturnType<typeof createAuthenticator>;

  static async start(storage = new MemoryStorage()): Promise<DecisionServer> {
    const server = new DecisionServer(storage, await createKey());
    const { registry, authorization } = server;
    for (const name of ['default', 'kube-system'])
      await registry.create<Namespace>('namespaces', { metadata: { name } } as Namespace).catch(() => undefined);
    await ensurePolicy(registry, new AbortController().signal);
    await authorization.observe(registry, new AbortController().signal);
    return server;
  }

  private constructor(storage: MemoryStorage, keyPem: string) {
    const nowMs = (): number => Date.now();
    this.authorization = createAuthorization();
    this.signer = new TokenSigner(readServiceAccountKeys(keyPem, []), ISSUER, nowMs);
    const audiences = [ISSUER];
    const strategies = createStrategies({
      allocators: {
        addresses: new ClusterIpAllocator(storage, '10.96.0.0/12', nowMs),
        ports: new NodePortAllocator(storage, { first: 30_000, last: 32_767 }),
      },
      signer: this.signer,
      audiences,
      authorization: this.authorization,
      tokens: () => this.#tokens.tokens,
    });
    this.registry = new Registry({
      storage,
      kinds: new KindTable(KINDS),
      strategies,
      admission: createAdmission({ authorization: this.authorization, clock: systemClock }),
      clock: systemClock,
      log: silentLog,
    });
    this.#tokens = createAuthenticator({ registry: this.registry, signer: this.signer, audiences, nowMs });
  }

  authenticate(authorization: string): Promise<UserInfo | null> {
    const headers = authorization === '' ? {} : { authorization };
    const request = { peerCertificate: undefined, isPeerVerified: false, headers, remoteAddress: '', path: '/' };
    return this.#tokens.authenticator.authenticate(request, new AbortController().signal);
  }

  async create<T extends KubeObject>(resource: string, object: Loose, user = ADMIN): Promise<T> {
    const request = this.#request(resource, object.metadata?.namespace ?? '', '', user);
    const { kind, apiVersion } = request.view;
    const body: KubeObject = { ...structuredClone(object), kind: kind.kind, apiVersion };
    const created: KubeObject = await createObject(this.registry, request, body as UnknownObject);
    return created as T;
  }

  async update<T extends KubeObject>(resource: string, object: Loose, user = ADMIN, subresource = ''): Promise<T> {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const request = { ...this.#request(resource, namespace, name, user), subresource };
    const change = (): UnknownObject => structuredClone(object) as UnknownObject;
    const { object: stored }: { object: KubeObject } = await updateObject(this.registry, request, change);
    return stored as T;
  }

  delete(resource: string, namespace: string, name: string, user = ADMIN): Promise<unknown> {
    return deleteObject(this.registry, this.#request(resource, namespace, name, user), {});
  }

  async subresource(
    resource: string,
    name: string,
    subresource: string,
    body: UnknownObject,
    user = ADMIN,
  ): Promise<UnknownObject> {
    const request = { ...this.#request(resource, 'default', name, user), subresource };
    const strategy = request.view.strategy.subresources?.[subresource];
    if (strategy?.type !== 'create') throw new Error(`no such subresource: ${subresource}`);
    const { view, namespace, isDryRun, warn, signal } = request;
    const context = { kind: view.kind, subresource, namespace, name, user, isDryRun, warn, signal };
    return strategy.create(body, { ...context, nowMs: Date.now(), registry: this.registry });
  }

  #request(resource: string, namespace: string, name: string, user: UserInfo): ObjectRequest {
    const kind = this.registry.kinds.byResource(resource);
    if (kind === undefined) throw new Error(`no such resource: ${resource}`);
    return {
      view: this.registry.view(kind),
      subresource: '',
      namespace,
      name,
      user,
      isDryRun: false,
      options: {},
      warn: () => undefined,
      signal: new AbortController().signal,
      isAdmitted: user !== SYSTEM_USER,
    };
  }
}

/** Code and message of what the promise rejects with. */
export async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof StatusError ? `${error.code} ${error.message}` : String(error);
  }
}

export const ACCOUNT = { metadata: { namespace: 'default', name: 'default' } } as ServiceAccount;
export const POD = {
  metadata: { namespace: 'default', name: 'web' },
  spec: { containers: [{ name: 'c', image: 'busybox:1' }] },
} as Pod;
