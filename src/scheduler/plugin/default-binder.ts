import { podBindings } from '../../client/resources.ts';
import type { PluginFactory } from '../plugin-handle.ts';

/** Binds a pod by its `binding` subresource. The uid keeps a new pod of the same name from getting the old one's node. */
export const createDefaultBinder: PluginFactory = (_args, { client }) => ({
  name: 'DefaultBinder',
  async bind({ pod }, nodeName, signal) {
    const { namespace, name, uid } = pod;
    const binding = {
      apiVersion: 'v1' as const,
      kind: 'Binding' as const,
      metadata: { namespace, name, uid },
      target: { kind: 'Node', name: nodeName },
    };
    await client.create(podBindings, binding, { subresource: 'binding', signal });
    return true;
  },
});
