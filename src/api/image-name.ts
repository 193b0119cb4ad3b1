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
  const { bare } = splitSuffix(image);
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
  const { tag, digest } = splitSuffix(image);
  return `${registry}/${repository}${digest || tag || ':latest'}`;
}

/** Name, `:tag` and `@digest`, empty where there is none. By hand: a pattern tries at each of a thousand `@`. */
function splitSuffix(image: string): { bare: string; tag: string; digest: string } {
  const at = image.indexOf('@');
  const name = at < 0 ? image : image.slice(0, at);
  const colon = name.lastIndexOf(':');
  const end = colon > name.lastIndexOf('/') ? colon : name.length;
  return { bare: name.slice(0, end), tag: name.slice(end), digest: at < 0 ? '' : image.slice(at) };
}
