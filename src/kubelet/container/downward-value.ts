import type { Container, Pod } from '../../api/objects.ts';
import { parseMilli, parseNano } from '../../api/quantity.ts';
import { StatusError } from '../../api/status.ts';
import { podName, podNamespace, podUid } from '../pod-identity.ts';

/** What the board says of itself where a pod has no limit. */
export interface BoardResources {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
}

/** Addresses of the pod and of its board, each primary one first; known once the sandbox stands. */
export interface PodAddresses {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
}

/** The value of a fieldRef of the downward API. @throws StatusError BadRequest for a path that is none */
export function fieldValue(pod: Pod, path: string, addresses: PodAddresses): string {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript !== null) {
    const [, which = '', key = ''] = subscript;
    const map = which === 'labels' ? pod.metadata?.labels : pod.metadata?.annotations;
    return map?.[key] ?? '';
  }
  switch (path) {
    case 'metadata.name':
      return podName(pod);
    case 'metadata.namespace':
      return podNamespace(pod);
    case 'metadata.uid':
      return podUid(pod);
    case 'metadata.labels':
      return formatMap(pod.metadata?.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata?.annotations);
    case 'spec.nodeName':
      return pod.spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP':
      return addresses.hostIps[0] ?? '';
    case 'status.hostIPs':
      return addresses.hostIps.join(',');
    case 'status.podIP':
      return addresses.podIps[0] ?? '';
    case 'status.podIPs':
      return addresses.podIps.join(',');
    default:
      throw new StatusError('BadRequest', `unsupported fieldPath: ${path}`);
  }
}

/** Sorted `key="value"` lines, the values quoted as Go's %q does. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(map ?? {})
    .toSorted()
    .map((key) => `${key}=${JSON.stringify(map?.[key])}`)
    .join('\n');
}

/**
 * The value of a resourceFieldRef, in units of its divisor, rounded up. An absent limit is the board's allocatable.
 *
 * @throws StatusError BadRequest for a resource that is none
 */
export function resourceValue(
  container: Container,
  resource: string,
  divisor: string | number,
  board: BoardResources,
): string {
  const [kind = '', name = ''] = splitOnce(resource);
  if (!['limits', 'requests'].includes(kind) || !/^(cpu|memory|ephemeral-storage|hugepages-.+)$/.test(name))
    throw new StatusError('BadRequest', `unsupported container resource : ${resource}`);
  const { limits, requests } = container.resources ?? {};
  const given = kind === 'limits' ? limits?.[name] : (requests?.[name] ?? limits?.[name]);
  const wanted = given ?? (kind === 'limits' ? boardAmount(name, board) : '0');
  const unit = String(divisor) === '0' ? '1' : divisor;
  if (name === 'cpu') return String(Math.ceil(parseMilli(wanted) / parseMilli(unit)));
  const [whole, part] = [parseNano(wanted), parseNano(unit)];
  return String(whole / part + (whole % part === 0n ? 0n : 1n));
}

function splitOnce(resource: string): readonly string[] {
  const dot = resource.indexOf('.');
  return dot < 0 ? [resource] : [resource.slice(0, dot), resource.slice(dot + 1)];
}

function boardAmount(name: string, board: BoardResources): string {
  if (name === 'cpu') return `${board.cpuMilli}m`;
  if (name === 'memory') return String(board.memoryBytes);
  return name === 'ephemeral-storage' ? String(board.ephemeralStorageBytes) : '0';
}
