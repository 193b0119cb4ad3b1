import type { Clock } from '../../host/clock.ts';
import type { Authorization } from '../authorization/create-authorizer.ts';
import { AdmissionChain } from './admission.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import { defaultTolerationSeconds, type TolerationDefaults } from './default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podSecurity } from './pod-security.ts';
import { priority } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { serviceAccount } from './service-account.ts';
import { taintNodesByCondition } from './taint-nodes.ts';

interface AdmissionOptions {
  readonly authorization: Authorization;
  readonly clock: Clock;
  readonly tolerations?: Partial<TolerationDefaults>;
}

/** The plugins that are on, in upstream's order (pkg/kubeapiserver/options/plugins.go). */
export function createAdmission({ authorization, clock, tolerations }: AdmissionOptions): AdmissionChain {
  const { authorizer } = authorization;
  return new AdmissionChain([
    namespaceLifecycle,
    serviceAccount(clock),
    nodeRestriction,
    taintNodesByCondition,
    podSecurity,
    priority,
    defaultTolerationSeconds(tolerations),
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction,
    rbacEscalation(authorization),
  ]);
}
