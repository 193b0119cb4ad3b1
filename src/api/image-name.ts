/** The registry that a name without one means (distribution/reference). */
const DEFAULT_REGISTRY = 'docker.io';

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const HOST =
  '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*';
const REFERENCE = new RegExp(
  `^(?:(?:${HOST}|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?/)?${COMPONENT}(?:/${COMPONENT})*(?::(?<tag>[\\w][\\w.-]{0,127}))?(?:@(?<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);

/** The name with `:latest` where it has neither tag nor digest; undefined when it is no image name. */
export function withDefaultTag(image: string): string | undefined {
  const match = REFERENCE.exec(image);
  if (match === null) return undefined;
  const { tag, digest } = match.groups ?? {};
  return tag === undefined && digest === undefined ? `${image}:latest` : image;
}

/** When to pull where the container does not say: always for `latest` (pkg/apis/core/v1/defaults.go). */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  return (withDefaultTag(image) ?? '').endsWith(':latest') ? 'Always' : 'IfNotPresent';
}

/** Registry host (with port) and repository path of an image name. */
export function splitImageName(image: string): { registry: string; repository: string } {
  const bare = image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const slash = bare.indexOf('/');
  const head = slash < 0 ? '' : bare.slice(0, slash);
  const hasRegistry = /[.:]/.test(head) || head === 'localhost';
  if (hasRegistry) return { registry: head, repository: bare.slice(slash + 1) };
  return { registry: DEFAULT_REGISTRY, repository: slash < 0 ? `library/${bare}` : bare };
}

/**
 * An image name in full: `busybox` is `docker.io/library/busybox:latest`. Upstream's scheduler adds the tag only, and so
 * misses the images that containerd reports by their full names.
 */
export function fullImageName(image: string): string {
  const { registry, repository } = splitImageName(image);
  const suffix = /@.*$/.exec(image)?.[0] ?? /:[^:/]*$/.exec(image)?.[0] ?? ':latest';
  return `${registry}/${repository}${suffix}`;
}
