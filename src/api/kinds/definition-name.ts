/**
 * Name of a built-in type among the OpenAPI definitions, by upstream's Go package: `io.k8s.api.rbac.v1.Role` is
 * rbac.authorization.k8s.io/v1 Role.
 */
export function definitionOf(type: {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}): string {
  return `io.k8s.api.${packageOf(type.group)}.${type.version}.${type.kind}`;
}

/** The Go package of a built-in group: the first word of its name, `core` for the one without a name. */
export function packageOf(group: string): string {
  return group === '' ? 'core' : (group.split('.')[0] ?? '');
}
