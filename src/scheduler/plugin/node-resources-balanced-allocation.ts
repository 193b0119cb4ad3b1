import { SCORE_MAX, type Plugin } from '../framework.ts';
import type { PluginFactory } from '../plugin-handle.ts';

interface BalancedArgs {
  readonly resources?: readonly { readonly name: string }[];
}

/**
 * Prefers nodes whose resources would be used in equal measure: 100 less the standard deviation of the used fractions.
 * Pods that ask for none of them are not judged by it. Args: `resources`.
 */
export const createNodeResourcesBalancedAllocation: PluginFactory = (rawArgs): Plugin => {
  const args = rawArgs as BalancedArgs;
  const names = (args.resources ?? [{ name: 'cpu' }, { name: 'memory' }]).map(({ name }) => name);
  return {
    name: 'NodeResourcesBalancedAllocation',
    preScore: ({ pod }) => (names.some((name) => (pod.requests.get(name) ?? 0) > 0) ? undefined : 'skip'),
    score({ pod }, node) {
      const fractions: number[] = [];
      for (const name of names) {
        const own = pod.requests.get(name) ?? 0;
        const allocatable = node.allocatable.get(name) ?? 0;
        const isBasic = name === 'cpu' || name === 'memory';
        if (allocatable === 0 || (!isBasic && own === 0)) continue;
        fractions.push(Math.min(1, ((node.requested.get(name) ?? 0) + own) / allocatable));
      }
      return Math.trunc((1 - standardDeviation(fractions)) * SCORE_MAX);
    },
  };
};

function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
