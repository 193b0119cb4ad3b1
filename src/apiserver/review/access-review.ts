import type {
  LocalSubjectAccessReview,
  PolicyRule,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  UnknownObject,
} from '../../api/objects.ts';
import { forbiddenField, invalid, type FieldError } from '../../api/field-error.ts';
import { badRequest } from '../../api/status.ts';
import type { Requirement } from '../../api/label-selector-parser.ts';
import type { UserInfo } from '../authentication/authenticator.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from '../authorization/authorizer.ts';
import type { RoleIndex } from '../authorization/role-index.ts';
import type { Strategy } from '../registry/strategy.ts';
import { userInfoOf } from './user-info.ts';

type AccessSpec = Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>;

/** POST subjectaccessreviews: whether somebody may do something (pkg/registry/authorization). */
export function subjectAccessReview(authorizer: Authorizer): Strategy {
  return {
    validate: (object) => validateSubject((object as unknown as SubjectAccessReview).spec),
    async review(object, { signal }) {
      const { spec } = object as unknown as SubjectAccessReview;
      const attributes = attributesOf(userOf(spec), spec);
      return { ...object, status: statusOf(await authorizer.authorize(attributes, signal)) };
    },
  };
}

/** POST localsubjectaccessreviews: the same within one namespace, for those who own no more. */
export function localAccessReview(authorizer: Authorizer): Strategy {
  return {
    validate(object, { namespace }) {
      const { spec } = object as unknown as LocalSubjectAccessReview;
      const errors = validateSubject(spec);
      if (spec?.resourceAttributes !== undefined && spec.resourceAttributes.namespace !== namespace)
        errors.push(
          invalid(
            'spec.resourceAttributes.namespace',
            spec.resourceAttributes.namespace ?? '',
            'must match metadata.namespace',
          ),
        );
      if (spec?.nonResourceAttributes !== undefined)
        errors.push(forbiddenField('spec.nonResourceAttributes', 'disallowed on this kind of request'));
      return errors;
    },
    async review(object, { signal }) {
      const { spec } = object as unknown as LocalSubjectAccessReview;
      const attributes = attributesOf(userOf(spec), spec);
      return { ...object, status: statusOf(await authorizer.authorize(attributes, signal)) };
    },
  };
}

/** POST selfsubjectaccessreviews: `kubectl auth can-i`. */
export function selfAccessReview(authorizer: Authorizer): Strategy {
  return {
    validate: (object) => validateAccess((object as unknown as SelfSubjectAccessReview).spec),
    async review(object, { user, signal }) {
      const { spec } = object as unknown as SelfSubjectAccessReview;
      return { ...object, status: statusOf(await authorizer.authorize(attributesOf(user, spec), signal)) };
    },
  };
}

/** POST selfsubjectrulesreviews: `kubectl auth can-i --list`. Complete as far as RBAC goes. */
export function selfRulesReview(roles: RoleIndex): Strategy {
  return {
    review(object, { user }) {
      const { namespace = '' } = (object as unknown as SelfSubjectRulesReview).spec ?? {};
      if (namespace === '') throw badRequest('no namespace on request');
      const seen = new Map<string, PolicyRule>();
      for (const { rules } of roles.grantsFor(user, namespace))
        for (const rule of rules) seen.set(JSON.stringify(rule), rule);
      const all = [...seen.values()];
      const resourceRules = all
        .filter(({ resources }) => resources !== undefined)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, resourceNames }));
      const nonResourceRules = all
        .filter(({ nonResourceURLs }) => nonResourceURLs !== undefined)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
      return Promise.resolve({ ...object, status: { resourceRules, nonResourceRules, incomplete: false } });
    },
  };
}

/** POST selfsubjectreviews: `kubectl auth whoami`. */
export const selfSubjectReview: Strategy = {
  review: (object: UnknownObject, { user }) => Promise.resolve({ ...object, status: { userInfo: userInfoOf(user) } }),
};

function validateSubject(spec: SubjectAccessReviewSpec | undefined): FieldError[] {
  const errors = validateAccess(spec);
  if (!spec?.user && (spec?.groups ?? []).length === 0)
    errors.push(invalid('spec.user', spec?.user ?? '', 'at least one of user or group must be specified'));
  return errors;
}

function validateAccess(spec: AccessSpec | undefined): FieldError[] {
  const count = [spec?.resourceAttributes, spec?.nonResourceAttributes].filter((one) => one !== undefined).length;
  if (count === 1) return [];
  const why =
    count === 0
      ? 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
      : 'cannot be specified in combination with resourceAttributes';
  return [
    invalid(
      count === 0 ? 'spec.resourceAttributes' : 'spec.nonResourceAttributes',
      spec?.nonResourceAttributes ?? null,
      why,
    ),
  ];
}

function userOf({ user, uid, groups, extra }: SubjectAccessReviewSpec): UserInfo {
  return { name: user ?? '', uid: uid ?? '', groups: groups ?? [], extra: extra ?? {} };
}

function attributesOf(
  user: UserInfo,
  { resourceAttributes, nonResourceAttributes }: AccessSpec,
): AuthorizationAttributes {
  const {
    verb = '',
    group = '',
    version = '',
    resource = '',
    subresource = '',
    name = '',
    namespace = '',
  } = resourceAttributes ?? {};
  const fields = resourceAttributes?.fieldSelector?.requirements;
  const labels = resourceAttributes?.labelSelector?.requirements;
  return {
    user,
    verb: resourceAttributes === undefined ? (nonResourceAttributes?.verb ?? '') : verb,
    isResourceRequest: resourceAttributes !== undefined,
    group,
    version: version === '' ? '*' : version,
    resource,
    subresource,
    name,
    namespace,
    path: nonResourceAttributes?.path ?? '',
    ...(fields === undefined ? {} : { fieldSelector: fields.map(requirementOf) }),
    ...(labels === undefined ? {} : { labelSelector: labels.map(requirementOf) }),
  };
}

function requirementOf({ key, operator, values }: { key: string; operator: string; values?: string[] }): Requirement {
  return { key, operator: operator as Requirement['operator'], values: values ?? [] };
}

function statusOf({ result, reason }: Decision): object {
  return {
    allowed: result === 'allow',
    ...(result === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
  };
}
