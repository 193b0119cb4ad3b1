import type { Authorizer } from './authorizer.ts';
import type { RoleIndex } from './role-index.ts';
import { ruleAllows } from './rule-match.ts';

/** Allows what a role that is bound to the user allows (plugin/pkg/auth/authorizer/rbac). Never denies. */
export function rbacAuthorizer(index: RoleIndex): Authorizer {
  return {
    authorize(request) {
      for (const { rules, reason } of index.grantsFor(request.user, request.isResourceRequest ? request.namespace : ''))
        if (rules.some((rule) => ruleAllows(rule, request))) return Promise.resolve({ result: 'allow', reason });
      return Promise.resolve({ result: 'no-opinion', reason: '' });
    },
  };
}

/** Allows everything to `system:masters`, so that no mistake in RBAC locks the owner out. */
export const mastersAuthorizer: Authorizer = {
  authorize: ({ user }) =>
    Promise.resolve(
      user.groups.includes('system:masters') ? { result: 'allow', reason: '' } : { result: 'no-opinion', reason: '' },
    ),
};
