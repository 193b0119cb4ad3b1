import type { UnknownObject } from '../../api/objects.ts';

/** The answer of what changes something and has nothing to show: 201 with this. */
export const SUCCESS: UnknownObject = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
