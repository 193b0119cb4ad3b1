import { normalizeByMaximum, unresolvable, type Plugin } from '../framework.ts';
import { isTolerated, untoleratedTaint } from '../../api/toleration.ts';

/**
 * Leaves out nodes with NoSchedule or NoExecute taints that the pod does not tolerate, and prefers those with fewer
 * PreferNoSchedule ones. Since 1.34 the text names no taint (kubernetes/kubernetes#134740): it goes into the pod's status.
 */
export const taintToleration: Plugin = {
  name: 'TaintToleration',
  filter({ pod }, { node }) {
    const taint = untoleratedTaint(node.spec?.taints, pod.pod.spec?.tolerations);
    return taint === undefined ? undefined : unresolvable('node(s) had untolerated taint(s)');
  },
  score({ pod }, { node }) {
    const all = pod.pod.spec?.tolerations ?? [];
    const tolerations = all.filter(({ effect }) => effect === undefined || effect === 'PreferNoSchedule');
    const soft = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'PreferNoSchedule');
    return soft.filter((taint) => !isTolerated(taint, tolerations)).length;
  },
  normalize: (_cycle, _nodes, scores) => normalizeByMaximum(scores, true),
  mayHelp(pod, event) {
    if (event.resource === 'TargetPod') return true;
    if (event.resource !== 'Node') return false;
    const tolerations = pod.pod.spec?.tolerations;
    if (untoleratedTaint(event.now.spec?.taints, tolerations) !== undefined) return false;
    return event.before === undefined || untoleratedTaint(event.before.spec?.taints, tolerations) !== undefined;
  },
};
