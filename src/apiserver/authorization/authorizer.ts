import type { Selector } from '../../api/selector.ts';
import type { UserInfo } from '../authentication/authenticator.ts';

/** What is asked for: all that an authorizer decides upon (authorization.k8s.io/v1). */
export interface AuthorizationAttributes {
  readonly user: UserInfo;
  /** API verb (`get`, `list`, `watch`, `create`, `deletecollection`, ...); for paths outside of resources the HTTP method in lower case. */
  readonly verb: string;
  readonly isResourceRequest: boolean;
  /** The empty string for the core group and for non-resource requests. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for list, watch, create (a create's name is not known yet) and deletecollection. */
  readonly name: string;
  /** Empty for cluster-scoped resources and for all namespaces. */
  readonly namespace: string;
  /** The path without the query. */
  readonly path: string;
  /** Of list, watch, deletecollection; KEP-4601. */
  readonly fieldSelector?: Selector;
  readonly labelSelector?: Selector;
}

export interface Decision {
  readonly result: 'allow' | 'deny' | 'no-opinion';
  /** Why, for the 403's text; empty where there is nothing to say. */
  readonly reason: string;
}

/** Says whether somebody may do something. `deny` ends the chain; `no-opinion` from all of them is a 403. */
export interface Authorizer {
  authorize(attributes: AuthorizationAttributes, signal: AbortSignal): Promise<Decision>;
}

/** Allows everything: tests of what comes after authorization. */
export const alwaysAllow: Authorizer = {
  authorize: () => Promise.resolve({ result: 'allow', reason: '' }),
};

/** Asks each in turn: the first that allows or denies decides. The reasons of those without opinion are joined. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    async authorize(attributes, signal) {
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const decision = await authorizer.authorize(attributes, signal);
        if (decision.result !== 'no-opinion') return decision;
        if (decision.reason !== '') reasons.push(decision.reason);
      }
      return { result: 'no-opinion', reason: reasons.join(', ') };
    },
  };
}
