import { isDeleting } from '../api/object-facts.ts';
import { namespaces, serviceAccounts } from '../client/resources.ts';
import { createInNamespace } from './namespace-terminating.ts';
import { type CreateController, queuedController } from './controller.ts';

/** Sees that each namespace has its ServiceAccount `default`. */
export const createServiceAccountController: CreateController = (context) => {
  const informer = context.informers.of(namespaces);
  const accounts = context.informers.of(serviceAccounts);
  return queuedController({
    name: 'serviceaccount',
    context,
    needs: [informer, accounts],
    connect: (queue) => {
      informer.onChange((_before, now) => {
        if (now !== undefined) queue.add(now.metadata?.name ?? '');
      });
      accounts.onChange((before, now) => {
        if (now === undefined && before?.metadata?.name === 'default') queue.add(before.metadata.namespace ?? '');
      });
    },
    reconcile: async (name, signal) => {
      const namespace = informer.lister.get('', name);
      if (namespace === undefined || isDeleting(namespace) || accounts.lister.get(name, 'default') !== undefined)
        return;
      const account = {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { namespace: name, name: 'default' },
      } as const;
      await createInNamespace(context.client, serviceAccounts, account, signal);
    },
  });
};
