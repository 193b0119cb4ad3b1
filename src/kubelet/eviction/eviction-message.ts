import { compareQuantity, formatBytes, parseUnits } from '../../api/quantity.ts';
import { isSidecar } from '../pod-identity.ts';
import type { PodUse } from './pod-use.ts';
import { amountText, starvedOf } from './thresholds.ts';
import type { MetThreshold, PressureType } from './thresholds.ts';

/** Reason of the Event and of the pod's status. */
export const EVICTED = 'Evicted';

/** Why a pod is evicted, in upstream's words and with its spaces at the ends (eviction/helpers.go evictionMessage). */
export function evictionMessage({ signal, quantity, available }: MetThreshold, use: PodUse): string {
  const starved = starvedOf(signal);
  const amounts = [amountText(starved, quantity), amountText(starved, available)];
  const low = `The node was low on resource: ${starved}. Threshold quantity: ${amounts[0]}, available: ${amounts[1]}. `;
  if (starved !== 'memory' && starved !== 'ephemeral-storage') return low;
  const specs = [...(use.pod.spec?.containers ?? []), ...(use.pod.spec?.initContainers ?? []).filter(isSidecar)];
  const greedy = use.containers.flatMap(({ name, memoryBytes, diskBytes }): string[] => {
    const used = starved === 'memory' ? memoryBytes : diskBytes;
    const request = specs.find((one) => one.name === name)?.resources?.requests?.[starved] ?? '0';
    if (used === undefined || used <= parseUnits(request)) return [];
    const text = `was using ${formatBytes(used)}, request is ${request}, has larger consumption of ${starved}`;
    return [`Container ${name} ${text}. `];
  });
  return `${low}${greedy.join('')}`;
}

/** Why a pod that uses more of the card than it may is evicted; undefined when it does not (localStorageEviction). */
export function localStorageExcess({ pod, diskBytes, containers, volumes }: PodUse): string | undefined {
  for (const { name, emptyDir } of pod.spec?.volumes ?? []) {
    const [limit, used] = [emptyDir?.sizeLimit, volumes.get(name)];
    if (limit === undefined || used === undefined || compareQuantity(limit, '0') <= 0) continue;
    if (used > parseUnits(limit)) return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  const limited = (pod.spec?.containers ?? []).flatMap(({ name, resources }) => {
    const limit = resources?.limits?.['ephemeral-storage'];
    return limit === undefined ? [] : [{ name, limit, bytes: parseUnits(limit) }];
  });
  if (limited.length === 0) return undefined;
  const total = limited.reduce((sum, { bytes }) => sum + bytes, 0);
  if (diskBytes !== undefined && diskBytes > total)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${formatBytes(total)}. `;
  for (const { name, limit, bytes } of limited) {
    const used = containers.find((one) => one.name === name)?.diskBytes;
    if (bytes > 0 && used !== undefined && used > bytes)
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;
  }
  return undefined;
}

/** Why a board under pressure takes no such pod. */
export function conditionMessage(pressures: readonly PressureType[]): string {
  return `The node had condition: [${pressures.join(' ')}]. `;
}
