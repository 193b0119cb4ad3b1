import type { Namespace } from '../../api/objects.ts';
import { defaultNamespace } from '../../api/defaults/default-core.ts';
import { required, invalid } from '../../api/field-error.ts';
import { dns1123Label, qualifiedName } from '../../api/validation/names.ts';
import type { Strategy } from '../registry/strategy.ts';

/** A Namespace stays, Terminating, until the namespace controller has emptied it and takes this finalizer off. */
const FINALIZER = 'kubernetes';

/** What is special about Namespaces (pkg/registry/core/namespace). */
export const namespaceStrategy: Strategy = {
  validateName: (name) => dns1123Label(name),
  prepareForCreate(object) {
    const namespace = object as Namespace;
    namespace.status = { phase: 'Active' };
    const finalizers = namespace.spec?.finalizers ?? [];
    namespace.spec = {
      ...namespace.spec,
      finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER],
    };
    defaultNamespace(namespace); // its name may have been generated since
    namespace.status.phase = 'Active';
  },
  prepareForUpdate(object, old) {
    const [namespace, before] = [object as Namespace, old as Namespace];
    if (before.spec === undefined) delete namespace.spec;
    else namespace.spec = structuredClone(before.spec);
  },
  isRemovable: (object) => ((object as Namespace).spec?.finalizers ?? []).length === 0,
  markDeleting(object) {
    const namespace = object as Namespace;
    namespace.status = { ...namespace.status, phase: 'Terminating' };
    delete namespace.metadata?.deletionGracePeriodSeconds;
  },
  subresources: {
    finalize: {
      type: 'update',
      prepareForUpdate(object, old) {
        object['status'] = structuredClone(old['status']);
      },
      validateUpdate: (object) =>
        ((object as Namespace).spec?.finalizers ?? []).flatMap((finalizer, i) => {
          if (finalizer === '') return [required(`spec.finalizers[${i}]`)];
          const wrong = qualifiedName(finalizer).map((why) => invalid('spec.finalizers', finalizer, why));
          if (wrong.length > 0 || finalizer.includes('/') || finalizer === FINALIZER) return wrong;
          return [
            invalid(
              'spec.finalizers',
              finalizer,
              'name is neither a standard finalizer name nor is it fully qualified',
            ),
          ];
        }),
    },
  },
};
