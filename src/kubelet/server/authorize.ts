import type { SubjectAccessReview } from '../../api/objects.ts';
import { StatusError } from '../../api/status.ts';
import type { ApiClient } from '../../client/api-client.ts';
import { subjectAccessReviews } from '../../client/resources.ts';
import type { Caller } from './authenticate.ts';
import { ExpiringCache } from './expiring-cache.ts';
import type { RequestAttributes } from './request-attributes.ts';

/** Upstream's --authorization-webhook-cache-authorized-ttl and -unauthorized-ttl. */
const ALLOWED_TTL_MS = 300_000;
const REFUSED_TTL_MS = 30_000;
const ANSWERS_MAX = 1000;
const REVIEW_TIMEOUT_MS = 10_000;
const ADMINISTRATORS = 'system:masters';

/** Asks the API server whether a caller may do this to the node; system:masters may, also while no API server answers. */
export class Authorizer {
  readonly #client: ApiClient;
  readonly #nodeName: string;
  readonly #answers: ExpiringCache<boolean>;

  /** @param nowMs monotonic */
  constructor(client: ApiClient, nodeName: string, nowMs: () => number) {
    this.#client = client;
    this.#nodeName = nodeName;
    this.#answers = new ExpiringCache(ANSWERS_MAX, nowMs);
  }

  /** Settles when it is allowed. @throws StatusError Forbidden, InternalError; upstream's texts */
  async authorize(caller: Caller, { verb, subresources }: RequestAttributes, signal: AbortSignal): Promise<void> {
    if (caller.groups.includes(ADMINISTRATORS)) return;
    const what = `(user=${caller.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])`;
    for (const subresource of subresources) {
      const isAllowed = await this.#ask(caller, verb, subresource, signal).catch((cause: unknown) => {
        throw new StatusError('InternalError', `Authorization error ${what}`, { cause });
      });
      if (isAllowed) return;
    }
    throw new StatusError('Forbidden', `Forbidden ${what}`);
  }

  async #ask(caller: Caller, verb: string, subresource: string, signal: AbortSignal): Promise<boolean> {
    const key = JSON.stringify([caller, verb, subresource]);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: caller.username,
        uid: caller.uid,
        groups: [...caller.groups],
        extra: Object.fromEntries(Object.entries(caller.extra).map(([name, values]) => [name, [...values]])),
        resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: this.#nodeName },
      },
    } as SubjectAccessReview;
    const both = AbortSignal.any([signal, AbortSignal.timeout(REVIEW_TIMEOUT_MS)]);
    const { status } = await this.#client.create(subjectAccessReviews, review, { signal: both });
    const isAllowed = status?.allowed === true;
    this.#answers.set(key, isAllowed, isAllowed ? ALLOWED_TTL_MS : REFUSED_TTL_MS);
    return isAllowed;
  }
}
