import type { Pod } from '../../api/objects.ts';
import { badRequest } from '../../api/status.ts';

/** The container that a request means: the named one, or the only one (pkg/registry/core/pod/strategy.go, validateContainer). @throws StatusError BadRequest */
export function chooseContainer(pod: Pod, wanted: string): string {
  const name = pod.metadata?.name ?? '';
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  if (wanted !== '') {
    if ([...containers, ...initContainers, ...ephemeralContainers].some((one) => one.name === wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  const [first] = containers;
  if (containers.length === 1 && first !== undefined && initContainers.length + ephemeralContainers.length === 0)
    return first.name;
  if (containers.length === 0) throw badRequest(`a container name must be specified for pod ${name}`);
  const list = (all: readonly { name: string }[]): string => `[${all.map((one) => one.name).join(' ')}]`;
  const init = initContainers.length === 0 ? '' : ` or one of the init containers: ${list(initContainers)}`;
  const ephemeral =
    ephemeralContainers.length === 0 ? '' : ` or one of the ephemeral containers: ${list(ephemeralContainers)}`;
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: ${list(containers)}${init}${ephemeral}`,
  );
}
