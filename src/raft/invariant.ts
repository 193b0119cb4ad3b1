/** The core met a state that cannot be: damaged storage, or a bug. The process must end, not go on. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * @param text a function where it takes making: most are asked for with every message, and never seen
 * @throws InvariantError unless the condition holds
 */
export function invariant(condition: boolean, text: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantError(typeof text === 'string' ? text : text());
}
