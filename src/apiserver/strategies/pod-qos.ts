import type { Pod } from '../../api/objects.ts';
import { compareQuantity } from '../../api/quantity.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const COUNTED = ['cpu', 'memory'];

/** The quality of service of a pod (pkg/apis/core/v1/helper/qos): from what its containers ask for of CPU and memory. */
export function qosClassOf({ spec }: Pod): QosClass {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  // Resources of the whole pod, where given, stand for those of its containers (KEP-2837).
  const resources = spec?.resources === undefined ? containers.map(({ resources }) => resources) : [spec.resources];
  let hasAny = false;
  let isGuaranteed = resources.length > 0;
  for (const one of resources) {
    for (const name of COUNTED) {
      const request = positive(one?.requests?.[name]);
      const limit = positive(one?.limits?.[name]);
      if (request !== null || limit !== null) hasAny = true;
      if (limit === null || request === null || compareQuantity(request, limit) !== 0) isGuaranteed = false;
    }
  }
  if (!hasAny) return 'BestEffort';
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

function positive(quantity: string | number | undefined): string | number | null {
  return quantity === undefined || compareQuantity(quantity, 0) <= 0 ? null : quantity;
}
