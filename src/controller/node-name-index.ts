import type { Pod } from '../api/objects.ts';

/** Index function: pods by the Node they are bound to. */
export function byNodeName(pod: Pod): readonly string[] {
  const name = pod.spec?.nodeName;
  return name === undefined || name === '' ? [] : [name];
}
