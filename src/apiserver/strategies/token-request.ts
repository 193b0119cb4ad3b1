import { randomUUID } from 'node:crypto';
import type { KubeObject, Node, Pod, ServiceAccount, TokenRequest } from '../../api/objects.ts';
import { invalid, invalidObject, required, type FieldError } from '../../api/field-error.ts';
import { badRequest, conflict, isReason } from '../../api/status.ts';
import { rfc3339 } from '../../api/time.ts';
import type { BoundObject, TokenClaims } from '../authentication/token-claims.ts';
import type { TokenSigner } from '../authentication/token-signer.ts';
import type { StrategyContext, SubresourceStrategy } from '../registry/strategy.ts';

/** Bounds of a token's life (pkg/apis/authentication/validation). */
const SECONDS_MIN = 600;
const SECONDS_MAX = 2 ** 32;
const SECONDS_DEFAULT = 3600;

interface TokenOptions {
  readonly signer: TokenSigner;
  /** Of tokens that name none: those of the API server itself. */
  readonly audiences: readonly string[];
}

type TokenSpec = NonNullable<TokenRequest['spec']>;
type BoundRef = NonNullable<TokenSpec['boundObjectRef']>;

/** POST serviceaccounts/token: a signed token, bound to what the request says (KEP-1205, KEP-4193). */
export function tokenSubresource({ signer, audiences }: TokenOptions): SubresourceStrategy {
  return {
    type: 'create',
    async create(object, context) {
      const request = object as unknown as TokenRequest;
      const { namespace, name, registry, nowMs } = context;
      const asked: TokenSpec = request.spec ?? { audiences: [] };
      const named = asked.audiences ?? [];
      const spec = {
        ...asked,
        audiences: named.length === 0 ? [...audiences] : named,
        expirationSeconds: asked.expirationSeconds ?? SECONDS_DEFAULT,
      };
      const errors = validateSpec(spec);
      if (errors.length > 0) throw invalidObject('TokenRequest.authentication.k8s.io', '', errors);
      const account = await registry.get<ServiceAccount>('serviceaccounts', namespace, name);
      if (request.metadata?.uid && request.metadata.uid !== account.metadata?.uid)
        throw conflict('serviceaccounts', name, differentUid(request.metadata.uid));
      const bound = await findBound(spec.boundObjectRef, context);
      const iat = Math.floor(nowMs / 1000);
      const exp = iat + spec.expirationSeconds;
      const claims: TokenClaims = {
        iss: signer.issuer,
        sub: `system:serviceaccount:${namespace}:${name}`,
        aud: spec.audiences,
        exp,
        iat,
        nbf: iat,
        jti: randomUUID(),
        'kubernetes.io': { namespace, serviceaccount: { name, uid: account.metadata?.uid ?? '' }, ...bound },
      };
      const token = await signer.sign(claims);
      const expirationTimestamp = rfc3339(exp * 1000);
      const creationTimestamp = rfc3339(iat * 1000);
      return {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { name, namespace, creationTimestamp },
        spec,
        status: { token, expirationTimestamp },
      };
    },
  };
}

function validateSpec(spec: TokenSpec): FieldError[] {
  const seconds = spec.expirationSeconds ?? SECONDS_DEFAULT;
  const errors: FieldError[] = [];
  if (seconds < SECONDS_MIN)
    errors.push(invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > SECONDS_MAX)
    errors.push(invalid('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds'));
  if (spec.boundObjectRef !== undefined && !spec.boundObjectRef.name) errors.push(required('spec.boundObjectRef.name'));
  return errors;
}

type Bound = Partial<Record<'pod' | 'secret' | 'node', BoundObject>>;

/** The claims about the object that the token is bound to. @throws StatusError NotFound, Conflict, BadRequest, Invalid */
async function findBound(ref: BoundRef | undefined, { registry, namespace, name }: StrategyContext): Promise<Bound> {
  if (ref === undefined) return {};
  const what = ref.apiVersion === 'v1' ? (ref.kind ?? '') : '';
  const claimOf = ({ metadata }: KubeObject, resource: string): BoundObject => {
    const uid = metadata?.uid ?? '';
    if (ref.uid && ref.uid !== uid) throw conflict(resource, ref.name ?? '', differentUid(ref.uid));
    return { name: ref.name ?? '', uid };
  };
  switch (what) {
    case 'Pod': {
      const object = await registry.get<Pod>('pods', namespace, ref.name ?? '');
      const claim = claimOf(object, 'pods');
      if (object.spec?.serviceAccountName !== name)
        throw badRequest(
          `cannot bind token for serviceaccount "${name}" to pod running with different serviceaccount name.`,
        );
      const node = object.spec.nodeName ? await nodeClaim(object.spec.nodeName, registry) : undefined;
      return { pod: claim, ...(node === undefined ? {} : { node }) };
    }
    case 'Secret':
      return { secret: claimOf(await registry.get('secrets', namespace, ref.name ?? ''), 'secrets') };
    case 'Node':
      return { node: claimOf(await registry.get<Node>('nodes', '', ref.name ?? ''), 'nodes') };
    default:
      throw badRequest(`cannot bind token to object of type ${gvk(ref)}`);
  }
}

/** A pod's node, for information: the uid only while the node is there. */
async function nodeClaim(name: string, registry: StrategyContext['registry']): Promise<BoundObject | undefined> {
  try {
    const node = await registry.get<Node>('nodes', '', name, { freshness: 'cache' });
    return { name, uid: node.metadata?.uid ?? '' };
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

function differentUid(wanted: string): string {
  return `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`;
}

/** As Go prints a GroupVersionKind: `/v1, Kind=Pod`. */
function gvk({ apiVersion = '', kind = '' }: BoundRef): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}
