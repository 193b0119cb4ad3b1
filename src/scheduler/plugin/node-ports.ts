import { unschedulable, type Plugin } from '../framework.ts';
import { portsConflict, readPod } from '../pod-info.ts';

/** Passes nodes where the pod's host ports are free. */
export const nodePorts: Plugin = {
  name: 'NodePorts',
  preFilter: ({ pod }) => (pod.hostPorts.length === 0 ? 'skip' : undefined),
  filter({ pod }, node) {
    for (const used of node.usedPorts())
      if (pod.hostPorts.some((wanted) => portsConflict(wanted, used)))
        return unschedulable("node(s) didn't have free ports for the requested pod ports");
    return undefined;
  },
  mayHelp(pod, event) {
    if (event.resource === 'Node') return event.changes.has('added');
    if (event.resource !== 'AssignedPod' || event.change !== 'deleted') return false;
    const freed = readPod(event.now).hostPorts;
    return pod.hostPorts.some((wanted) => freed.some((port) => portsConflict(wanted, port)));
  },
};
