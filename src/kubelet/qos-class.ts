import type { Container, Pod } from '../api/objects.ts';
import { parseNano } from '../api/quantity.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const COMPUTE = ['cpu', 'memory'] as const;

/** The pod's class of service by its requests and limits of CPU and memory (upstream ComputePodQOS). */
export function qosClass(pod: Pod): QosClass {
  const own = pod.spec?.resources;
  // Pod-level resources, where given, stand for those of all containers (KEP-2837).
  const holders: readonly Pick<Container, 'resources'>[] =
    own?.limits !== undefined || own?.requests !== undefined
      ? [{ resources: own }]
      : [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  let hasAny = false;
  let isGuaranteed = true;
  for (const { resources } of holders) {
    for (const name of COMPUTE) {
      const limit = amount(resources?.limits?.[name]);
      const request = amount(resources?.requests?.[name]) ?? limit;
      if (limit !== undefined || request !== undefined) hasAny = true;
      if (limit === undefined || limit !== request) isGuaranteed = false;
    }
  }
  if (!hasAny) return 'BestEffort';
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

/** Zero counts as not given. */
function amount(quantity: string | number | undefined): bigint | undefined {
  if (quantity === undefined) return undefined;
  const nano = parseNano(quantity);
  return nano === 0n ? undefined : nano;
}
