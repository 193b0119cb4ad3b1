import type { Pod } from '../../api/objects.ts';
import { forbidden } from '../../api/status.ts';
import type { AdmissionPlugin } from './admission.ts';

/** The two classes that every cluster has; those of users come with the kind PriorityClass. */
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

const PREEMPTION = 'PreemptLowerPriority';

/** Turns a pod's priority class into its number (plugin/pkg/admission/priority). */
export const priority: AdmissionPlugin = {
  name: 'Priority',
  handles: (operation, kind, subresource) =>
    kind.plural === 'pods' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  mutate({ operation, object, oldObject, name }) {
    const { spec } = object as Pod;
    if (spec === undefined) return Promise.resolve();
    if (operation === 'UPDATE') {
      const before = (oldObject as Pod).spec;
      if (spec.priority === undefined && before?.priority !== undefined) spec.priority = before.priority;
      if (spec.preemptionPolicy === undefined && before?.preemptionPolicy !== undefined)
        spec.preemptionPolicy = before.preemptionPolicy;
      return Promise.resolve();
    }
    const className = spec.priorityClassName ?? '';
    const value = className === '' ? 0 : SYSTEM_CLASSES[className];
    if (value === undefined) throw forbidden('pods', name, `no PriorityClass with name ${className} was found`);
    if (spec.priority !== undefined && spec.priority !== value)
      throw forbidden(
        'pods',
        name,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    spec.priority = value;
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== PREEMPTION)
      throw forbidden(
        'pods',
        name,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${PREEMPTION} from the given PriorityClass name`,
      );
    spec.preemptionPolicy = PREEMPTION;
    return Promise.resolve();
  },
};
