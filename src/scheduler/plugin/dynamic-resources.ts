import type { Plugin } from '../framework.ts';

/**
 * Devices (KEP-4381). The API has no ResourceClaims yet, so no pod has one and nothing is filtered; what is left is its part of
 * the FailedScheduling text, which people and tools know.
 */
export const dynamicResources: Plugin = {
  name: 'DynamicResources',
  postFilter: () => ({ nominatedNode: undefined, message: 'no new claims to deallocate' }),
};
