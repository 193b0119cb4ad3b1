import type { Strategy, UpdateRules } from './strategy.ts';

/** Rules of a write through a view (scale): those of the object itself, validated whole. */
export function viewRules(strategy: Strategy): UpdateRules {
  return {
    prepareForUpdate: (object, old, context) => strategy.prepareForUpdate?.(object, old, context),
    validateUpdate: (object, old, context) => [
      ...(strategy.validate?.(object, context) ?? []),
      ...(strategy.validateUpdate?.(object, old, context) ?? []),
    ],
  };
}
