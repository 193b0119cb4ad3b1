import type { Pod, Toleration } from '../../api/objects.ts';
import type { AdmissionPlugin } from './admission.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';

export interface TolerationDefaults {
  readonly notReadySeconds: number;
  readonly unreachableSeconds: number;
}

/**
 * How long a pod bears with a node that is not well, unless it says otherwise. Upstream has 300 s for both, since in a
 * datacentre a silent node is mostly a network that comes back. On a shelf a silent board is mostly one without power:
 * a worker's pods are to run elsewhere within 20 s (architecture section 9), of which the node lifecycle controller takes up
 * to 7 s to be sure and a new pod's start 2 s; a cable that was out for 10 s moves none. A node that still talks (not
 * ready: its runtime restarts, say) gets more time, since its pods are most likely running. Whoever wants it otherwise
 * sets tolerations, or these two flags.
 */
const TOLERATION_DEFAULTS: TolerationDefaults = { notReadySeconds: 30, unreachableSeconds: 8 };

/** Adds the two tolerations to pods that have none of their own (plugin/pkg/admission/defaulttolerationseconds). */
export function defaultTolerationSeconds(given: Partial<TolerationDefaults> = {}): AdmissionPlugin {
  const defaults = { ...TOLERATION_DEFAULTS, ...given };
  return {
    name: 'DefaultTolerationSeconds',
    handles: (operation, kind, subresource) =>
      kind.plural === 'pods' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
    mutate({ object }) {
      const { spec } = object as Pod;
      if (spec === undefined) return Promise.resolve();
      const missing = [
        [NOT_READY, defaults.notReadySeconds] as const,
        [UNREACHABLE, defaults.unreachableSeconds] as const,
      ].filter(([key]) => !(spec.tolerations ?? []).some((one) => tolerates(one, key)));
      if (missing.length === 0) return Promise.resolve();
      const added = missing.map(([key, tolerationSeconds]): Toleration => ({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds,
      }));
      spec.tolerations = [...(spec.tolerations ?? []), ...added];
      return Promise.resolve();
    },
  };
}

function tolerates({ key, effect }: Toleration, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === 'NoExecute');
}
