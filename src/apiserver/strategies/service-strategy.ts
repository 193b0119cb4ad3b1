import type { Service } from '../../api/objects.ts';
import { dns1123Label } from '../../api/validation/names.ts';
import { validateService, validateServiceUpdate } from '../../api/validation/service.ts';
import type { Strategy } from '../registry/strategy.ts';
import { allocate, releaseAll, type ServiceAllocators } from './service-allocation.ts';
import { carryAllocated, dropOfOldType, normalizeClusterIps } from './service-fields.ts';

/** What is special about Services: their names are DNS labels (any since Kubernetes 1.36), their addresses and ports are allocated. */
export function serviceStrategy(allocators: ServiceAllocators): Strategy {
  return {
    returnsDeletedObject: true,
    validateName: (name) => dns1123Label(name),
    prepareForCreate(object) {
      const service = object as Service;
      service.status = { loadBalancer: {} };
      service.spec ??= {};
      normalizeClusterIps(service.spec, null);
    },
    validate: (object) => validateService(object as Service),
    prepareForUpdate(object, old) {
      const [service, before] = [object as Service, old as Service];
      service.spec ??= {};
      carryAllocated(service.spec, before.spec ?? {});
      normalizeClusterIps(service.spec, before.spec ?? {});
      dropOfOldType(service, before);
    },
    validateUpdate: (object, old) => validateServiceUpdate(object as Service, old as Service),
    beginCreate: (object, context) => allocate(object as Service, null, allocators, context),
    beginUpdate: (object, old, context) => allocate(object as Service, old as Service, allocators, context),
    afterDelete: (object, { signal }) => releaseAll(object as Service, allocators, signal),
  };
}
