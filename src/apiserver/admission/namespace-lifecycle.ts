import type { Namespace } from '../../api/objects.ts';
import { qualifiedResource } from '../../api/kinds/kind.ts';
import { forbidden, isReason, StatusError } from '../../api/status.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);
const ACCESS_REVIEWS = 'localsubjectaccessreviews';

/** Nothing is created where there is no namespace, or one that ends; some namespaces never end. */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  handles: (operation, kind) =>
    kind.namespaced
      ? operation === 'CREATE' || operation === 'UPDATE'
      : kind.kind === 'Namespace' && operation === 'DELETE',
  async mutate(attributes) {
    const { kind, operation, namespace, name } = attributes;
    if (kind.kind === 'Namespace') {
      if (IMMORTAL.has(name)) throw forbidden('namespaces', name, 'this namespace may not be deleted');
      return;
    }
    if (kind.plural === ACCESS_REVIEWS) return;
    const found = await findNamespace(attributes.registry, namespace);
    if (operation === 'CREATE' && found.status?.phase === 'Terminating') throw terminating(attributes);
  },
};

/** From the cache, and from the store before a namespace counts as missing: it may be newer than the cache. */
async function findNamespace(registry: RegistryAccess, name: string): Promise<Namespace> {
  try {
    const found = await registry.get<Namespace>('namespaces', '', name, { freshness: 'cache' });
    if (found.status?.phase !== 'Terminating') return found;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
  return registry.get<Namespace>('namespaces', '', name);
}

function terminating({ kind, name, namespace }: AdmissionAttributes): StatusError {
  const resource = qualifiedResource(kind);
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const error = forbidden(resource, name, why);
  const causes = [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ];
  return new StatusError('Forbidden', error.message, { details: { ...error.details, causes } });
}
