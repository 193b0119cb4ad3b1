import type { PolicyRule } from '../../api/objects.ts';
import type { AuthorizationAttributes } from './authorizer.ts';

/** Whether one rule of a role allows the request (pkg/apis/rbac/v1/evaluation_helpers.go). */
export function ruleAllows(rule: PolicyRule, request: AuthorizationAttributes): boolean {
  if (!hasOrAll(rule.verbs, request.verb)) return false;
  if (!request.isResourceRequest) return (rule.nonResourceURLs ?? []).some((url) => urlMatches(url, request.path));
  return (
    hasOrAll(rule.apiGroups, request.group) &&
    (rule.resources ?? []).some((resource) => resourceMatches(resource, request)) &&
    nameMatches(rule.resourceNames ?? [], request.name)
  );
}

function hasOrAll(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes('*') || list.includes(value));
}

/** `*` is everything, `pods/log` that subresource, `* /scale` (without the blank) that subresource of anything. */
function resourceMatches(rule: string, { resource, subresource }: AuthorizationAttributes): boolean {
  if (rule === '*') return true;
  if (subresource === '') return rule === resource;
  return rule === `${resource}/${subresource}` || rule === `*/${subresource}`;
}

function nameMatches(names: readonly string[], name: string): boolean {
  return names.length === 0 || names.includes(name);
}

function urlMatches(rule: string, path: string): boolean {
  if (rule === '*' || rule === path) return true;
  return rule.endsWith('*') && path.startsWith(rule.slice(0, -1));
}
