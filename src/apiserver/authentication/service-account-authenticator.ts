import type { KubeObject, Pod } from '../../api/objects.ts';
import { isReason, StatusError } from '../../api/status.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';
import type { UserInfo } from './authenticator.ts';
import type { TokenAuthenticator } from './bearer-authenticator.ts';
import type { BoundObject, TokenClaims } from './token-claims.ts';
import type { TokenSigner } from './token-signer.ts';

/** A pod that ends may use its token a minute longer, for its last words (pkg/serviceaccount/claims.go). */
const DELETED_LEEWAY_MS = 60_000;

interface ServiceAccountOptions {
  readonly signer: TokenSigner;
  readonly registry: RegistryAccess;
  readonly nowMs: () => number;
}

/** Tokens of service accounts: signature, time, audience, and that what they are bound to still exists (KEP-1205). */
export function serviceAccountAuthenticator({ signer, registry, nowMs }: ServiceAccountOptions): TokenAuthenticator {
  return {
    async authenticateToken(token, audiences) {
      const claims = await signer.verify(token);
      if (claims === null) return null;
      const common = claims.aud.filter((audience) => audiences.includes(audience));
      if (common.length === 0)
        throw invalidToken(
          `token audiences ${JSON.stringify(claims.aud)} is invalid for the target audiences ${JSON.stringify(audiences)}`,
        );
      await checkBound(claims, registry, nowMs());
      return { user: userOf(claims), audiences: common };
    },
  };
}

function invalidToken(message: string): StatusError {
  return new StatusError('Unauthorized', message);
}

async function checkBound(claims: TokenClaims, registry: RegistryAccess, nowMs: number): Promise<void> {
  const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io'];
  const check = async (resource: string, bound: BoundObject | undefined, where = namespace): Promise<void> => {
    if (bound === undefined) return;
    const object = await find(registry, resource, where, bound);
    if (object === null) throw invalidToken(`${resource} ${where}/${bound.name} of the token is gone`);
    const deleted = object.metadata?.deletionTimestamp;
    if (deleted !== undefined && Date.parse(deleted) + DELETED_LEEWAY_MS < nowMs)
      throw invalidToken(`${resource} ${where}/${bound.name} of the token has been deleted`);
  };
  await check('serviceaccounts', serviceaccount);
  await check('secrets', secret);
  await check('pods', pod);
  // A token of a pod names the pod's node for information only; one bound to a node alone ends with it (KEP-4193).
  if (pod === undefined) await check('nodes', node, '');
}

/** The object with this uid. One not in the cache may be too new for it, so the store is asked before it counts as gone. */
async function find(
  registry: RegistryAccess,
  resource: string,
  namespace: string,
  { name, uid }: BoundObject,
): Promise<KubeObject | null> {
  for (const freshness of ['cache', 'latest'] as const) {
    try {
      const object = await registry.get<Pod>(resource, namespace, name, { freshness });
      if (object.metadata?.uid === uid) return object;
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
  return null;
}

function userOf(claims: TokenClaims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io'];
  const extra: Record<string, string[]> = {};
  if (claims.jti !== '') extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`];
  if (pod !== undefined) {
    extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
  }
  if (node !== undefined) {
    extra['authentication.kubernetes.io/node-name'] = [node.name];
    extra['authentication.kubernetes.io/node-uid'] = [node.uid];
  }
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra,
  };
}
