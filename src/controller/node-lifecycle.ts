import { conditionOf } from '../api/condition.ts';
import type { Node, Pod } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import { rfc3339 } from '../api/time.ts';
import { referenceTo } from '../client/event-recorder.ts';
import { createInformer } from '../client/informer.ts';
import { leases, nodes, pods } from '../client/resources.ts';
import { runTogether, type Runnable } from '../host/run-together.ts';
import { type ProbeResult, probeTcp } from '../host/tcp-probe.ts';
import { type ControllerContext, type CreateController, queuedController, queueEach } from './controller.ts';
import { ASK_AFTER_MS, isLost, lostConditions, readyStatus, taintsFor } from './node-health.ts';
import { byNodeName } from './node-name-index.ts';
import { isPodReady } from '../api/pod-facts.ts';

const PERIOD_MS = 1_000;
const PROBE_MS = 1_000;
const KUBELET_PORT = 10250;

/** Knocks at a board's kubelet port; never throws. */
export type Probe = (address: string, port: number, timeoutMs: number) => Promise<ProbeResult>;

interface Watched {
  /** What was last seen of the board: its Lease's and its heartbeat's time. */
  sign: string;
  seenMs: number;
  deadProbes: number;
}

/**
 * Notices boards that are gone: first the Node's conditions say so, then its taints, then its pods are no longer ready,
 * so that no Service sends to them; eviction is another controller's (taint-eviction.ts).
 */
export function createNodeLifecycleController(probe: Probe = probeTcp): CreateController {
  return (context) => nodeLifecycle(context, probe);
}

function nodeLifecycle(context: ControllerContext, probe: Probe): Runnable {
  const informer = context.informers.of(nodes);
  const podInformer = context.informers.of(pods, { node: byNodeName });
  const leaseInformer = createInformer(context.client, leases, { namespace: 'kube-node-lease' });
  const recorder = context.recorder('node-controller');

  const monitor: Runnable = {
    run: async (signal) => {
      const watched = new Map<string, Watched>();
      await Promise.all([informer.synced(signal), leaseInformer.synced(signal), podInformer.synced(signal)]);
      while (!signal.aborted) {
        await check(watched, signal).catch((error: unknown) => {
          if (!signal.aborted) context.log.warn('could not judge the nodes', { error });
        });
        await context.clock.sleepMs(PERIOD_MS, signal).catch(() => undefined);
      }
    },
  };

  async function check(watched: Map<string, Watched>, signal: AbortSignal): Promise<void> {
    const all = informer.lister.list();
    const nowMs = context.clock.monotonicMs();
    for (const node of all) look(watched, node, nowMs);
    for (const name of watched.keys()) if (informer.lister.get('', name) === undefined) watched.delete(name);
    const hearsOthers = [...watched.values()].some(({ seenMs }) => nowMs - seenMs < ASK_AFTER_MS);
    await Promise.all(
      all.map(async (node) => {
        const record = watched.get(node.metadata?.name ?? '');
        if (record === undefined) return;
        const silentMs = nowMs - record.seenMs;
        if (silentMs < ASK_AFTER_MS) return;
        record.deadProbes = (await ask(node, probe)) === 'silent' ? record.deadProbes + 1 : 0;
        if (isLost({ silentMs, deadProbes: record.deadProbes, hearsOthers })) await giveUp(node, signal);
      }),
    );
  }

  function look(watched: Map<string, Watched>, node: Node, nowMs: number): void {
    const name = node.metadata?.name ?? '';
    const lease = leaseInformer.lister.get('kube-node-lease', name)?.spec?.renewTime;
    const heartbeat = conditionOf(node, 'Ready')?.lastHeartbeatTime;
    const sign = `${lease} ${heartbeat}`;
    if (watched.get(name)?.sign !== sign) watched.set(name, { sign, seenMs: nowMs, deadProbes: 0 });
  }

  async function giveUp(node: Node, signal: AbortSignal): Promise<void> {
    const name = node.metadata?.name ?? '';
    const conditions = lostConditions(node, context.clock.nowMs());
    if (conditions !== undefined) {
      context.log.warn('a board is lost', { node: name });
      recorder.record(
        referenceTo(node, 'v1', 'Node'),
        'Normal',
        'NodeNotReady',
        `Node ${name} status is now: NodeNotReady`,
      );
      // With the version that it was judged by: a kubelet that speaks at this moment is believed.
      const { resourceVersion } = node.metadata ?? {};
      const body = { metadata: { resourceVersion }, status: { conditions } };
      await context.client.patch(
        nodes,
        { namespace: '', name },
        { type: 'strategic', body },
        { subresource: 'status', signal },
      );
    }
    for (const pod of podInformer.lister.byIndex('node', name)) await markNotReady(context, pod, signal);
  }

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
        for (const pod of podInformer.lister.byIndex('node', name)) await markNotReady(context, pod, signal);
    },
  });

  return { run: async (signal) => runTogether([leaseInformer, monitor, tainter, recorder], signal) };
}

async function ask(node: Node, probe: Probe): Promise<ProbeResult> {
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  if (address === undefined) return 'silent';
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT;
  return probe(address, port, PROBE_MS);
}

/** Takes a pod out of Services, as nobody can say any more that it serves. */
async function markNotReady({ client, clock }: ControllerContext, pod: Pod, signal: AbortSignal): Promise<void> {
  if (!isPodReady(pod)) return;
  const { namespace = '', name = '', uid } = pod.metadata ?? {};
  const lastTransitionTime = rfc3339(clock.nowMs());
  const conditions = [{ type: 'Ready', status: 'False', reason: 'NodeNotReady', lastTransitionTime }];
  const body = { metadata: { uid }, status: { conditions } };
  await client
    .patch(pods, { namespace, name }, { type: 'strategic', body }, { subresource: 'status', signal })
    .catch((error: unknown) => {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
    });
}
