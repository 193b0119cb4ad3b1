import { unresolvable, type Plugin } from '../framework.ts';
import { isTolerated } from '../../api/toleration.ts';

const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;

/** Leaves out cordoned nodes, unless the pod tolerates their taint. */
export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  filter({ pod }, { node }) {
    if (node.spec?.unschedulable !== true || isTolerated(TAINT, pod.pod.spec?.tolerations)) return undefined;
    return unresolvable('node(s) were unschedulable');
  },
  mayHelp(_pod, event) {
    if (event.resource === 'TargetPod') return true;
    return event.resource === 'Node' && event.now.spec?.unschedulable !== true;
  },
};
