import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '../../api/objects.ts';
import { matchesLabels, selectorOf } from '../../api/selector.ts';
import type { UserInfo } from '../authentication/authenticator.ts';

/** Rules that hold for somebody, and the binding that gives them. */
export interface Grant {
  readonly rules: readonly PolicyRule[];
  /** `ClusterRoleBinding "x" of ClusterRole "y" to User "z"`, as upstream's audit reason says it. */
  readonly reason: string;
}

/** RBAC objects of one kind, by `namespace/name`; the observer of that kind fills it. */
type Table<T> = Map<string, T>;

interface IndexedBinding {
  readonly roleRef: RoleRef;
  readonly subject: Subject;
  readonly name: string;
  /** Empty for ClusterRoleBindings. */
  readonly namespace: string;
}

/**
 * Who has which rules, kept from the RBAC objects. Rebuilt lazily, on the first question after a change: changes are
 * rare and questions are not. Aggregated ClusterRoles are resolved here as well, so that they hold without a controller.
 */
export class RoleIndex {
  readonly roles: Table<Role> = new Map();
  readonly clusterRoles: Table<ClusterRole> = new Map();
  readonly roleBindings: Table<RoleBinding> = new Map();
  readonly clusterRoleBindings: Table<ClusterRoleBinding> = new Map();
  #bySubject: Map<string, IndexedBinding[]> | null = null;
  readonly #aggregated = new Map<string, readonly PolicyRule[]>();

  /** To be called after every change of the tables. */
  invalidate(): void {
    this.#bySubject = null;
    this.#aggregated.clear();
  }

  /** All grants that hold for the user in the namespace (the empty string: cluster scope), cluster-wide ones first. */
  *grantsFor(user: UserInfo, namespace: string): Generator<Grant> {
    const bindings = this.#bindings();
    for (const scope of namespace === '' ? [''] : ['', namespace]) {
      for (const key of subjectKeys(user)) {
        for (const binding of bindings.get(`${scope}|${key}`) ?? []) {
          const rules = this.rulesOf(binding.roleRef, binding.namespace);
          if (rules !== null) yield { rules, reason: describe(binding) };
        }
      }
    }
  }

  /** The rules of a role, or null when there is no such role. */
  rulesOf(ref: Pick<RoleRef, 'kind' | 'name'>, namespace: string): readonly PolicyRule[] | null {
    if (ref.kind === 'Role') return this.roles.get(`${namespace}/${ref.name}`)?.rules ?? null;
    const role = this.clusterRoles.get(`/${ref.name}`);
    if (role === undefined) return null;
    if (role.aggregationRule === undefined) return role.rules ?? [];
    const known = this.#aggregated.get(ref.name);
    if (known !== undefined) return known;
    // Set first, so that roles which aggregate each other end.
    this.#aggregated.set(ref.name, []);
    const rules = this.#aggregate(role);
    this.#aggregated.set(ref.name, rules);
    return rules;
  }

  #aggregate(role: ClusterRole): readonly PolicyRule[] {
    const selectors = (role.aggregationRule?.clusterRoleSelectors ?? []).map((selector) => selectorOf(selector) ?? []);
    // Its own stored rules are what some controller made of the same selectors at some time: never a source.
    const rules: PolicyRule[] = [];
    const seen = new Set<string>();
    for (const other of this.clusterRoles.values()) {
      if (other === role || !selectors.some((selector) => matchesLabels(selector, other.metadata?.labels))) continue;
      for (const rule of this.rulesOf({ kind: 'ClusterRole', name: other.metadata?.name ?? '' }, '') ?? []) {
        const text = JSON.stringify(rule);
        if (!seen.has(text)) rules.push(rule);
        seen.add(text);
      }
    }
    return rules;
  }

  #bindings(): Map<string, IndexedBinding[]> {
    if (this.#bySubject !== null) return this.#bySubject;
    const index = new Map<string, IndexedBinding[]>();
    const add = (binding: RoleBinding | ClusterRoleBinding, namespace: string): void => {
      for (const subject of binding.subjects ?? []) {
        const key = `${namespace}|${keyOfSubject(subject, namespace)}`;
        const entry = { roleRef: binding.roleRef, subject, name: binding.metadata?.name ?? '', namespace };
        const list = index.get(key);
        if (list === undefined) index.set(key, [entry]);
        else list.push(entry);
      }
    };
    for (const binding of this.clusterRoleBindings.values()) add(binding, '');
    for (const binding of this.roleBindings.values()) add(binding, binding.metadata?.namespace ?? '');
    this.#bySubject = index;
    return index;
  }
}

/** A service account is a user with a name made of namespace and name. */
function keyOfSubject({ kind, name, namespace }: Subject, ownNamespace: string): string {
  if (kind !== 'ServiceAccount') return `${kind}:${name}`;
  return `User:system:serviceaccount:${namespace || ownNamespace}:${name}`;
}

function subjectKeys(user: UserInfo): string[] {
  return [`User:${user.name}`, ...user.groups.map((group) => `Group:${group}`)];
}

function describe({ roleRef, subject, name, namespace }: IndexedBinding): string {
  const binding = namespace === '' ? `ClusterRoleBinding "${name}"` : `RoleBinding "${name}/${namespace}"`;
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? namespace}` : subject.name;
  return `RBAC: allowed by ${binding} of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${who}"`;
}
