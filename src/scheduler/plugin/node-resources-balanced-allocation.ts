import { SCORE_MAX, type Plugin } from '../framework.ts';
import type { PluginFactory } from '../plugin-handle.ts';

interface BalancedArgs {
  readonly resources?: readonly { readonly name: string }[];
}

/**
 * Prefers nodes whose resources come to be used in more equal measure by the pod than they are: around 75 where it
 * changes nothing, up to 100 where it balances the node, down to 50 where it unbalances it. Balance is 100 less the standard deviation
 * of the used fractions. Pods that ask for none of the resources are not judged by it. Args: `resources`.
 */
export const createNodeResourcesBalancedAllocation: PluginFactory = (rawArgs): Plugin => {
  const args = rawArgs as BalancedArgs;
  const names = (args.resources ?? [{ name: 'cpu' }, { name: 'memory' }]).map(({ name }) => name);
  return {
    name: 'NodeResourcesBalancedAllocation',
    preScore: ({ pod }) => (names.some((name) => (pod.requests.get(name) ?? 0) > 0) ? undefined : 'skip'),
    score({ pod }, node) {
      const [without, withPod]: [number[], number[]] = [[], []];
      for (const name of names) {
        const own = pod.requests.get(name) ?? 0;
        const allocatable = node.allocatable.get(name) ?? 0;
        const isBasic = name === 'cpu' || name === 'memory';
        if (allocatable === 0 || (!isBasic && own === 0)) continue;
        const used = node.requested.get(name) ?? 0;
        without.push(Math.min(1, used / allocatable));
        withPod.push(Math.min(1, (used + own) / allocatable));
      }
      const half = SCORE_MAX / 2;
      return half + Math.trunc((half + balance(withPod) - balance(without)) / 2);
    },
  };
};

/** 50 to 100: how evenly the resources are used. */
function balance(fractions: readonly number[]): number {
  return Math.trunc((1 - standardDeviation(fractions)) * SCORE_MAX);
}

function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
