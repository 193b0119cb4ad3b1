import type { Container } from '../../api/objects.ts';

/** The annotation that a container carries its spec's hash in. */
export const HASH_LABEL = 'io.kubernetes.container.hash';

/**
 * Names the part of a container's spec that only a new container can take up: its image (upstream hashes name and
 * image since 1.30, so that a new field in the API restarts nothing). FNV-1a, 32 bits, in hexadecimal.
 */
export function containerHash(container: Container): string {
  let hash = 0x811c9dc5;
  for (const char of `${container.name}\n${container.image ?? ''}`) {
    hash ^= char.codePointAt(0) ?? 0;
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0).toString(16);
}

/** Whether a running container was made from another spec. One without a hash was not made by us: it stays. */
export function hasChanged(container: Container, annotations: Readonly<Record<string, string>>): boolean {
  const hash = annotations[HASH_LABEL];
  return hash !== undefined && hash !== containerHash(container);
}
