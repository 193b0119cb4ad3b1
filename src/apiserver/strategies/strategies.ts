import type { Authorization } from '../authorization/create-authorizer.ts';
import type { TokenAuthenticator } from '../authentication/bearer-authenticator.ts';
import type { TokenSigner } from '../authentication/token-signer.ts';
import type { Strategy } from '../registry/strategy.ts';
import {
  localAccessReview,
  selfAccessReview,
  selfRulesReview,
  selfSubjectReview,
  subjectAccessReview,
} from '../review/access-review.ts';
import { tokenReview } from '../review/token-review.ts';
import { certificateRequestStrategy } from './certificate-request-strategy.ts';
import {
  bindingsStrategy,
  configMapStrategy,
  endpointSliceStrategy,
  endpointsStrategy,
  eventStrategy,
  leaseStrategy,
  nodeStrategy,
  secretStrategy,
} from './core-strategies.ts';
import { namespaceStrategy } from './namespace-strategy.ts';
import { podStrategy } from './pod-strategy.ts';
import { bindingStrategy, roleStrategy } from './rbac-strategies.ts';
import type { ServiceAllocators } from './service-allocation.ts';
import { serviceStrategy } from './service-strategy.ts';
import { tokenSubresource } from './token-request.ts';
import { controllerRevisionStrategy, deploymentStrategy, replicaSetStrategy } from './workload-strategies.ts';

interface StrategyParts {
  readonly allocators: ServiceAllocators;
  readonly signer: TokenSigner;
  /** Audiences of this API server. */
  readonly audiences: readonly string[];
  /** Asked only once requests come, so it may be made after the strategies. */
  readonly tokens: () => TokenAuthenticator;
  readonly authorization: Authorization;
}

/** What is special about kinds, by qualified resource. A kind without an entry is generic. */
export function createStrategies(parts: StrategyParts): ReadonlyMap<string, Strategy> {
  const { allocators, signer, audiences, tokens, authorization } = parts;
  const rbac = (plural: string): string => `${plural}.rbac.authorization.k8s.io`;
  const reviews = (plural: string): string => `${plural}.authorization.k8s.io`;
  return new Map<string, Strategy>([
    ['bindings', bindingsStrategy],
    ['configmaps', configMapStrategy],
    ['endpoints', endpointsStrategy],
    ['events', eventStrategy],
    ['events.events.k8s.io', eventStrategy],
    ['namespaces', namespaceStrategy],
    ['nodes', nodeStrategy],
    ['pods', podStrategy],
    ['secrets', secretStrategy],
    [
      'serviceaccounts',
      {
        returnsDeletedObject: true,
        allowUnconditionalUpdate: false,
        subresources: { token: tokenSubresource({ signer, audiences }) },
      },
    ],
    ['services', serviceStrategy(allocators)],
    ['controllerrevisions.apps', controllerRevisionStrategy],
    ['deployments.apps', deploymentStrategy],
    ['replicasets.apps', replicaSetStrategy],
    ['certificatesigningrequests.certificates.k8s.io', certificateRequestStrategy],
    ['leases.coordination.k8s.io', leaseStrategy],
    ['endpointslices.discovery.k8s.io', endpointSliceStrategy],
    [rbac('clusterroles'), roleStrategy(false)],
    [rbac('clusterrolebindings'), bindingStrategy(false)],
    [rbac('roles'), roleStrategy(true)],
    [rbac('rolebindings'), bindingStrategy(true)],
    ['tokenreviews.authentication.k8s.io', tokenReview(tokens, audiences)],
    ['selfsubjectreviews.authentication.k8s.io', selfSubjectReview],
    [reviews('subjectaccessreviews'), subjectAccessReview(authorization.authorizer)],
    [reviews('localsubjectaccessreviews'), localAccessReview(authorization.authorizer)],
    [reviews('selfsubjectaccessreviews'), selfAccessReview(authorization.authorizer)],
    [reviews('selfsubjectrulesreviews'), selfRulesReview(authorization.roles)],
  ]);
}
