import { createInformer } from '../client/informer.ts';
import { leases, nodes, pods } from '../client/resources.ts';
import { runTogether, type Runnable } from '../host/run-together.ts';
import { probeTcp } from '../host/tcp-probe.ts';
import { type ControllerContext, type CreateController, queuedController, queueEach } from './controller.ts';
import { markPodsNotReady } from './mark-pods-not-ready.ts';
import { readyStatus, taintsFor } from './node-health.ts';
import { NodeMonitor, type Probe } from './node-monitor.ts';
import { byNodeName } from './node-name-index.ts';

/**
 * Notices boards that are gone: first the Node's conditions say so (node-monitor.ts), then its taints, then its pods are
 * no longer ready, so that no Service sends to them; eviction is another controller's (taint-eviction.ts).
 */
export function createNodeLifecycleController(probe: Probe = probeTcp): CreateController {
  return (context) => nodeLifecycle(context, probe);
}

function nodeLifecycle(context: ControllerContext, probe: Probe): Runnable {
  const informer = context.informers.of(nodes);
  const podInformer = context.informers.of(pods, { node: byNodeName });
  const leaseInformer = createInformer(context.reader, leases, { namespace: 'kube-node-lease' });
  const recorder = context.recorder('node-controller');
  const monitor = new NodeMonitor({
    context,
    nodes: informer,
    pods: podInformer,
    leases: leaseInformer,
    recorder,
    probe,
  });
  const tainter = queuedController({
    name: 'node-lifecycle',
    context,
    needs: [informer],
    connect: (queue) => queueEach(informer, queue),
    reconcile: async (name, signal) => {
      const node = informer.lister.get('', name);
      if (node === undefined) return;
      const taints = taintsFor(node, context.clock.nowMs());
      if (taints === undefined) return;
      const { resourceVersion } = node.metadata ?? {};
      // A merge patch replaces the list: with the version that it was made from, no taint of others is lost.
      const body = { metadata: { resourceVersion }, spec: { taints } };
      await context.client.patch(nodes, { namespace: '', name }, { type: 'merge', body }, { signal });
      if (readyStatus(node) === 'False')
        await markPodsNotReady(context, podInformer.lister.byIndex('node', name), signal);
    },
  });

  return { run: async (signal) => runTogether([leaseInformer, monitor, tainter, recorder], signal) };
}
