/**
 * An image name in full: `busybox` is `docker.io/library/busybox:latest`. Upstream adds the tag only, and so misses the
 * images that containerd reports by their full names.
 */
export function normalizeImage(name: string): string {
  const [repository = '', digest] = name.split('@');
  const colon = repository.lastIndexOf(':');
  const isTagged = colon > repository.lastIndexOf('/');
  const path = isTagged ? repository.slice(0, colon) : repository;
  const suffix = digest === undefined ? `:${isTagged ? repository.slice(colon + 1) : 'latest'}` : `@${digest}`;
  const [first = '', ...rest] = path.split('/');
  const hasHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  if (hasHost) return path + suffix;
  return `docker.io/${rest.length === 0 ? `library/${path}` : path}${suffix}`;
}
