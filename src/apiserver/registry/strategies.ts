import type { Strategy } from './strategy.ts';

/** What is special about kinds, by qualified resource (`pods`, `deployments.apps`). A kind without an entry is generic. */
export const STRATEGIES: ReadonlyMap<string, Strategy> = new Map();
