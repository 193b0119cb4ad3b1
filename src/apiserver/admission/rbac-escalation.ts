import type { ClusterRole, PolicyRule, Role, RoleBinding } from '../../api/objects.ts';
import { qualifiedResource } from '../../api/kinds/kind.ts';
import { forbidden, notFound } from '../../api/status.ts';
import { sameJson } from '../../api/validation/object-meta.ts';
import type { UserInfo } from '../authentication/authenticator.ts';
import type { Authorization } from '../authorization/create-authorizer.ts';
import { uncoveredRules } from '../authorization/rule-cover.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';

const GROUP = 'rbac.authorization.k8s.io';
const BINDINGS = new Set(['rolebindings', 'clusterrolebindings']);

/**
 * Nobody grants what they do not have, unless they may `escalate` the role or `bind` it
 * (pkg/registry/rbac/{role,rolebinding,...}/policybased). Upstream does this in the storage of these kinds.
 */
export function rbacEscalation({ authorizer, roles }: Authorization): AdmissionPlugin {
  const may = async (
    verb: string,
    attributes: AdmissionAttributes,
    resource: string,
    name: string,
    signal: AbortSignal,
  ) => {
    const { user, namespace } = attributes;
    const request = {
      user,
      verb,
      isResourceRequest: true,
      group: GROUP,
      version: '*',
      resource,
      subresource: '',
      name,
      namespace,
      path: '',
    };
    return (await authorizer.authorize(request, signal)).result === 'allow';
  };
  const check = (wanted: readonly PolicyRule[], { user, namespace, kind, name }: AdmissionAttributes): void => {
    const owned = [...roles.grantsFor(user, namespace)].flatMap(({ rules }) => rules);
    const missing = uncoveredRules(owned, wanted);
    if (missing.length > 0) throw forbidden(qualifiedResource(kind), name, escalationText(user, missing));
  };
  return {
    name: 'RbacEscalation',
    handles: (operation, { group }) => group === GROUP && (operation === 'CREATE' || operation === 'UPDATE'),
    async validate(attributes, signal) {
      const { kind, user, name, namespace, object, oldObject } = attributes;
      if (user.groups.includes('system:masters')) return;
      if (BINDINGS.has(kind.plural)) {
        const binding = object as unknown as RoleBinding;
        const old = oldObject as unknown as RoleBinding | null;
        if (old !== null && sameJson(binding.roleRef, old.roleRef) && sameJson(binding.subjects, old.subjects)) return;
        const resource = binding.roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
        if (await may('bind', attributes, resource, binding.roleRef.name, signal)) return;
        const rules = roles.rulesOf(binding.roleRef, namespace);
        if (rules === null) throw notFound(`${resource}.${GROUP}`, binding.roleRef.name);
        return check(rules, attributes);
      }
      const role = object as Role | ClusterRole;
      const before = oldObject as Role | ClusterRole | null;
      if (before !== null && sameJson(role.rules, before.rules) && sameJson(aggregationOf(role), aggregationOf(before)))
        return;
      if (await may('escalate', attributes, kind.plural, name, signal)) return;
      // Whoever selects roles by label has whatever anybody puts into them later.
      if (
        aggregationOf(role) !== undefined &&
        !sameJson(aggregationOf(role), before === null ? undefined : aggregationOf(before))
      )
        check(
          [
            { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
            { verbs: ['*'], nonResourceURLs: ['*'] },
          ],
          attributes,
        );
      check(role.rules ?? [], attributes);
    },
  };
}

function aggregationOf(role: Role | ClusterRole): unknown {
  return 'aggregationRule' in role ? role.aggregationRule : undefined;
}

function escalationText({ name, groups }: UserInfo, missing: readonly PolicyRule[]): string {
  const who = `user ${JSON.stringify(name)} (groups=[${groups.map((group) => JSON.stringify(group)).join(' ')}])`;
  return `${who} is attempting to grant RBAC permissions not currently held:\n${missing.map(ruleText).join('\n')}`;
}

function ruleText({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }: PolicyRule): string {
  const fields = {
    APIGroups: apiGroups,
    Resources: resources,
    ResourceNames: resourceNames,
    NonResourceURLs: nonResourceURLs,
    Verbs: verbs,
  };
  const parts = Object.entries(fields)
    .filter(([, values]) => (values ?? []).length > 0)
    .map(([field, values]) => `${field}:[${(values ?? []).map((value) => JSON.stringify(value)).join(' ')}]`);
  return `{${parts.join(', ')}}`;
}
