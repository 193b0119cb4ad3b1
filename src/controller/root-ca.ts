import { isDeleting } from '../api/object-facts.ts';
import { createInformer } from '../client/informer.ts';
import { configMaps, namespaces } from '../client/resources.ts';
import { runTogether } from '../host/run-together.ts';
import { createInNamespace } from './namespace-terminating.ts';
import { type CreateController, queuedController } from './controller.ts';

const NAME = 'kube-root-ca.crt';
const DESCRIBED_BY = 'kubernetes.io/description';
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Publishes the cluster's authority into each namespace, and mends it where someone changed it. */
export function createRootCaController(caPem: string): CreateController {
  return (context) => {
    const informer = context.informers.of(namespaces);
    const maps = createInformer(context.reader, configMaps, { fieldSelector: `metadata.name=${NAME}` });
    const controller = queuedController({
      name: 'root-ca',
      context,
      needs: [informer, maps],
      connect: (queue) => {
        informer.onChange((_before, now) => {
          if (now !== undefined) queue.add(now.metadata?.name ?? '');
        });
        maps.onChange((before, now) => {
          const map = now ?? before;
          if (map !== undefined) queue.add(map.metadata?.namespace ?? '');
        });
      },
      reconcile: async (name, signal) => {
        const namespace = informer.lister.get('', name);
        if (namespace === undefined || isDeleting(namespace)) return;
        const existing = maps.lister.get(name, NAME);
        const described = existing?.metadata?.annotations?.[DESCRIBED_BY] ?? '';
        const isAsWanted = existing?.data?.['ca.crt'] === caPem && Object.keys(existing.data).length === 1;
        if (isAsWanted && described !== '') return;
        const annotations = { ...existing?.metadata?.annotations, [DESCRIBED_BY]: DESCRIPTION };
        const metadata = { ...existing?.metadata, namespace: name, name: NAME, annotations };
        const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': caPem } } as const;
        if (existing !== undefined) {
          await context.client.update(configMaps, map, { signal });
          return;
        }
        await createInNamespace(context.client, configMaps, map, signal);
      },
    });
    return { run: async (signal) => runTogether([maps, controller], signal) };
  };
}
