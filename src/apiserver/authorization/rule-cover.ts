import type { PolicyRule } from '../../api/objects.ts';

/**
 * The parts of `wanted` that `owned` does not cover: what somebody would grant without having it
 * (component-helpers rbac/validation, Covers). Each part has one verb and one resource or path.
 */
export function uncoveredRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(breakDown).filter((part) => !owned.some((rule) => covers(rule, part)));
}

function breakDown(rule: PolicyRule): PolicyRule[] {
  const parts: PolicyRule[] = [];
  for (const verb of rule.verbs ?? []) {
    for (const url of rule.nonResourceURLs ?? []) parts.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const part: PolicyRule = { verbs: [verb], apiGroups: [group], resources: [resource] };
        const names = rule.resourceNames ?? [];
        if (names.length === 0) parts.push(part);
        for (const name of names) parts.push({ ...part, resourceNames: [name] });
      }
    }
  }
  return parts;
}

function covers(owner: PolicyRule, part: PolicyRule): boolean {
  if (!includes(owner.verbs, part.verbs[0])) return false;
  const url = part.nonResourceURLs?.[0];
  if (url !== undefined) return (owner.nonResourceURLs ?? []).some((own) => own === url || coversPath(own, url));
  const resource = part.resources?.[0] ?? '';
  const subresource = resource.split('/')[1];
  const hasResource =
    includes(owner.resources, resource) ||
    (subresource !== undefined && (owner.resources ?? []).includes(`*/${subresource}`));
  const names = owner.resourceNames ?? [];
  const name = part.resourceNames?.[0];
  const hasName = names.length === 0 || (name !== undefined && names.includes(name));
  return includes(owner.apiGroups, part.apiGroups?.[0]) && hasResource && hasName;
}

function includes(list: readonly string[] | undefined, value: string | undefined): boolean {
  return list !== undefined && value !== undefined && (list.includes('*') || list.includes(value));
}

function coversPath(own: string, path: string): boolean {
  return own.endsWith('*') && path.startsWith(own.slice(0, -1));
}
