import type { DeleteOptions, Pod, UnknownObject } from '../../api/objects.ts';
import { badRequest } from '../../api/status.ts';
import type { SubresourceStrategy } from '../registry/strategy.ts';
import { SUCCESS } from './success.ts';

/**
 * POST pods/eviction: a deletion that asks first (pkg/registry/core/pod/storage/eviction.go). Without
 * PodDisruptionBudgets there is nobody to ask yet, so it deletes, with what the request says of it.
 */
export const evictionSubresource: SubresourceStrategy = {
  type: 'create',
  async create(object, { registry, namespace, name, isDryRun }) {
    if (object.metadata?.name && object.metadata.name !== name)
      throw badRequest('name in URL does not match name in Eviction object');
    const pod = await registry.get<Pod>('pods', namespace, name);
    const options = deleteOptionsOf(object);
    if (isDryRun || options.dryRun?.includes('All') === true) return SUCCESS;
    // The pod that was meant and no other of its name.
    const uid = options.preconditions?.uid ?? pod.metadata?.uid;
    const preconditions = { ...options.preconditions, ...(uid === undefined ? {} : { uid }) };
    await registry.delete('pods', namespace, name, { ...options, preconditions });
    return SUCCESS;
  },
};

function deleteOptionsOf(eviction: UnknownObject): DeleteOptions {
  const options = eviction['deleteOptions'];
  return typeof options === 'object' && options !== null ? options : {};
}
