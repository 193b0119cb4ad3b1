import type { Node } from '../../api/objects.ts';
import type { AdmissionPlugin } from './admission.ts';

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const;

/** A new node takes no pods before it has said that it is ready (plugin/pkg/admission/nodetaint). */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (operation, kind, subresource) => operation === 'CREATE' && kind.plural === 'nodes' && subresource === '',
  mutate({ object }) {
    const node = object as Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect))
      return Promise.resolve();
    node.spec = { ...node.spec, taints: [...taints, { ...NOT_READY }] };
    return Promise.resolve();
  },
};
