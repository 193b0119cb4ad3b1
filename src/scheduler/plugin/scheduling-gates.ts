import { unresolvable, type Plugin } from '../framework.ts';

/** Keeps a pod out of the queue until its scheduling gates are gone (KEP-3521). */
export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  preEnqueue({ pod }) {
    const gates = (pod.spec?.schedulingGates ?? []).map(({ name }) => name);
    return gates.length === 0 ? undefined : unresolvable(`waiting for scheduling gates: [${gates.join(' ')}]`);
  },
};
