import type { FieldError } from '../field-error.ts';
import { invalid, notSupported, required } from '../field-error.ts';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '../objects.ts';
import { RBAC_GROUP } from '../defaults/default-rbac.ts';
import { validateLabelSelector } from './label-selector.ts';
import { dns1123Subdomain, pathSegmentName } from './names.ts';
import { sameJson } from './object-meta.ts';

/** Role or ClusterRole (pkg/apis/rbac/validation). */
export function validateRole(role: Role | ClusterRole, isNamespaced: boolean): FieldError[] {
  const errors = (role.rules ?? []).flatMap((rule, i) => validateRule(rule, isNamespaced, `rules[${i}]`));
  if (!('aggregationRule' in role) || role.aggregationRule === undefined) return errors;
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    errors.push(
      required(
        'aggregationRule.clusterRoleSelectors',
        'at least one clusterRoleSelector required if aggregationRule is non-nil',
      ),
    );
  for (const [i, selector] of selectors.entries())
    errors.push(...validateLabelSelector(selector, `aggregationRule.clusterRoleSelectors[${i}]`));
  return errors;
}

function validateRule(rule: PolicyRule, isNamespaced: boolean, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const { apiGroups = [], resources = [], nonResourceURLs = [], resourceNames = [] } = rule;
  // Nothing that the types call required is sure to be there: schemas check types alone.
  if ((rule.verbs ?? []).length === 0) errors.push(required(`${at}.verbs`, 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    if (isNamespaced)
      errors.push(
        invalid(`${at}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'),
      );
    if (apiGroups.length + resources.length + resourceNames.length > 0)
      errors.push(
        invalid(
          `${at}.nonResourceURLs`,
          nonResourceURLs,
          'rules cannot apply to both regular resources and non-resource URLs',
        ),
      );
    return errors;
  }
  if (apiGroups.length === 0)
    errors.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0)
    errors.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
  return errors;
}

/** RoleBinding or ClusterRoleBinding. */
export function validateBinding(binding: RoleBinding | ClusterRoleBinding, isNamespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const apiGroup = binding.roleRef?.apiGroup ?? '';
  const kind = binding.roleRef?.kind ?? '';
  const name = binding.roleRef?.name ?? '';
  const kinds = isNamespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (apiGroup !== RBAC_GROUP) errors.push(notSupported('roleRef.apiGroup', apiGroup, [RBAC_GROUP]));
  if (!kinds.includes(kind)) errors.push(notSupported('roleRef.kind', kind, kinds, 'given'));
  if (name === '') errors.push(required('roleRef.name'));
  else errors.push(...pathSegmentName(name).map((why) => invalid('roleRef.name', name, why)));
  for (const [i, subject] of (binding.subjects ?? []).entries())
    errors.push(...validateSubject(subject, isNamespaced, `subjects[${i}]`));
  return errors;
}

function validateSubject(
  { kind, name, apiGroup = '', namespace = '' }: Subject,
  isNamespaced: boolean,
  at: string,
): FieldError[] {
  const errors: FieldError[] = name ? [] : [required(`${at}.name`)];
  switch (kind) {
    case 'ServiceAccount':
      if (name) errors.push(...dns1123Subdomain(name).map((why) => invalid(`${at}.name`, name, why)));
      if (apiGroup !== '') errors.push(notSupported(`${at}.apiGroup`, apiGroup, ['']));
      if (!isNamespaced && namespace === '') errors.push(required(`${at}.namespace`));
      break;
    case 'User':
    case 'Group':
      if (apiGroup !== RBAC_GROUP) errors.push(notSupported(`${at}.apiGroup`, apiGroup, [RBAC_GROUP]));
      break;
    default:
      errors.push(notSupported(`${at}.kind`, kind, ['ServiceAccount', 'User', 'Group'], 'given'));
  }
  return errors;
}

/** A binding's role is for ever: to change it is to bind anew. */
export function validateBindingUpdate(
  now: RoleBinding | ClusterRoleBinding,
  old: RoleBinding | ClusterRoleBinding,
): FieldError[] {
  return sameJson(now.roleRef, old.roleRef) ? [] : [invalid('roleRef', now.roleRef, 'cannot change roleRef')];
}
