import type { Plugin } from '../framework.ts';

/**
 * Devices (KEP-4381). Nothing of ours hands any out, so claims are not looked at and nothing is filtered; what is left is its
 * part of the FailedScheduling text, which people and tools know.
 */
export const dynamicResources: Plugin = {
  name: 'DynamicResources',
  postFilter: () => ({ nominatedNode: undefined, message: 'no new claims to deallocate' }),
};
