import { unresolvable, type Plugin } from '../framework.ts';

/** Passes only the node that the pod names. */
export const nodeName: Plugin = {
  name: 'NodeName',
  filter({ pod }, node) {
    const wanted = pod.pod.spec?.nodeName ?? '';
    if (wanted === '' || wanted === node.name) return undefined;
    return unresolvable("node(s) didn't match the requested node name");
  },
  mayHelp: (_pod, event) => event.resource === 'Node' && event.changes.has('added'),
};
