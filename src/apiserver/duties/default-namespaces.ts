import type { Namespace } from '../../api/objects.ts';
import { isReason } from '../../api/status.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';

const NAMES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Makes the namespaces that every cluster has. */
export async function ensureDefaultNamespaces(registry: RegistryAccess): Promise<void> {
  for (const name of NAMES) {
    const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await registry.create('namespaces', namespace).catch((error: unknown) => {
      if (!isReason(error, 'AlreadyExists')) throw error; // of three servers that start together one is first
    });
  }
}
