import { errorText } from '../../api/error-text.ts';
import type { TokenReview } from '../../api/objects.ts';
import { badRequest } from '../../api/status.ts';
import type { TokenAuthenticator } from '../authentication/bearer-authenticator.ts';
import type { Strategy } from '../registry/strategy.ts';
import { userInfoOf } from './user-info.ts';

/** POST tokenreviews: whose token this is (pkg/registry/authentication/tokenreview). A bad token is an answer, not an error. */
export function tokenReview(tokens: () => TokenAuthenticator, defaultAudiences: readonly string[]): Strategy {
  return {
    async review(object, { signal }) {
      const { spec } = object as unknown as TokenReview;
      if (!spec?.token) throw badRequest('token is required for TokenReview in authentication');
      const wanted = spec.audiences ?? [];
      const audiences = wanted.length === 0 ? defaultAudiences : wanted;
      try {
        const found = await tokens().authenticateToken(spec.token, audiences, signal);
        if (found === null) return { ...object, status: { user: {}, error: 'invalid bearer token' } };
        const groups = [...found.user.groups, 'system:authenticated'];
        const user = userInfoOf({ ...found.user, groups });
        return { ...object, status: { authenticated: true, user, audiences: [...found.audiences] } };
      } catch (error) {
        signal.throwIfAborted();
        return { ...object, status: { user: {}, error: `[invalid bearer token, ${errorText(error)}]` } };
      }
    },
  };
}
