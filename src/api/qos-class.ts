import type { Container, Pod } from './objects.ts';
import { parseNano } from './quantity.ts';

/** Who is to go first when a board runs short: BestEffort before Burstable before Guaranteed. */
export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const COMPUTE = ['cpu', 'memory'] as const;

/** The pod's quality of service by its requests and limits of CPU and memory (pkg/apis/core/v1/helper/qos). */
export function qosClass(pod: Pod): QosClass {
  const own = pod.spec?.resources;
  // Resources of the whole pod, where given, stand for those of its containers (KEP-2837).
  const holders: readonly Pick<Container, 'resources'>[] =
    own?.limits !== undefined || own?.requests !== undefined
      ? [{ resources: own }]
      : [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  let hasAny = false;
  let isGuaranteed = true;
  for (const { resources } of holders) {
    for (const name of COMPUTE) {
      const limit = amount(resources?.limits?.[name]);
      // A static pod has not been through the API server, which makes a limit its own request.
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
