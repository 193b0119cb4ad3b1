import { conditionOf } from '../api/condition.ts';
import type { Lease, Node, Pod } from '../api/objects.ts';
import { type EventRecorder, referenceTo } from '../client/event-recorder.ts';
import type { Informer } from '../client/informer.ts';
import { nodes } from '../client/resources.ts';
import { type ProbeResult } from '../host/tcp-probe.ts';
import type { ControllerContext } from './controller.ts';
import { markPodsNotReady } from './mark-pods-not-ready.ts';
import { ASK_AFTER_MS, isLost, lostConditions } from './node-health.ts';

const PERIOD_MS = 1_000;
const PAUSE_MS = 100;
/** Enough for a second packet, which is sent after 1 s, where the first was lost. */
const PROBE_MS = 1_200;
/** Longer than any cluster is without a renewal. */
const DEAF_MS = 6_000;
const KUBELET_PORT = 10250;

/** Knocks at a board's kubelet port; never throws. */
export type Probe = (address: string, port: number, timeoutMs: number) => Promise<ProbeResult>;

interface Watched {
  /** What was last seen of the board: its Lease's and its heartbeat's time. */
  sign: string;
  seenMs: number;
  deadProbes: number;
  /** When the first of these was sent. */
  deadSinceMs: number;
}

interface NodeMonitorParts {
  readonly context: ControllerContext;
  readonly nodes: Informer<Node>;
  /** With an index `node`. */
  readonly pods: Informer<Pod>;
  /** Those of kube-node-lease. */
  readonly leases: Informer<Lease>;
  readonly recorder: EventRecorder;
  readonly probe: Probe;
}

/** Looks at every board's signs of life each second, asks those that are silent, and gives up those that are lost. */
export class NodeMonitor {
  readonly #parts: NodeMonitorParts;
  readonly #watched = new Map<string, Watched>();

  constructor(parts: NodeMonitorParts) {
    this.#parts = parts;
  }

  /** Settles when aborted. @throws when aborted before the caches are filled */
  async run(signal: AbortSignal): Promise<void> {
    const { context, nodes: informer, pods: podInformer, leases: leaseInformer } = this.#parts;
    await Promise.all([informer, leaseInformer, podInformer].map(async (one) => one.synced(signal)));
    while (!signal.aborted) {
      const startMs = context.clock.monotonicMs();
      await this.#check(signal).catch((error: unknown) => {
        if (!signal.aborted) context.log.warn('could not judge the nodes', { error });
      });
      const leftMs = startMs + PERIOD_MS - context.clock.monotonicMs();
      // Never at once: what was written meanwhile is to be read first.
      await context.clock.sleepMs(Math.max(PAUSE_MS, leftMs), signal).catch(() => undefined);
    }
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { context, nodes: informer, probe } = this.#parts;
    const all = informer.lister.list();
    const nowMs = context.clock.monotonicMs();
    const heardMs = this.#heardMs();
    for (const node of all) this.#look(node, nowMs);
    // We were cut off, or held up: nobody's silence of that time says anything.
    if (this.#heardMs() - heardMs > DEAF_MS)
      for (const record of this.#watched.values()) Object.assign(record, { seenMs: nowMs, deadProbes: 0 });
    for (const name of this.#watched.keys())
      if (informer.lister.get('', name) === undefined) this.#watched.delete(name);
    await Promise.all(all.map(async (node) => this.#judge(node, probe, signal)));
  }

  async #judge(node: Node, probe: Probe, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.context;
    const record = this.#watched.get(node.metadata?.name ?? '');
    if (record === undefined || clock.monotonicMs() - record.seenMs < ASK_AFTER_MS) return;
    const askedMs = clock.monotonicMs();
    const isDead = (await ask(node, probe)) === 'silent';
    if (isDead && record.deadProbes === 0) record.deadSinceMs = askedMs;
    record.deadProbes = isDead ? record.deadProbes + 1 : 0;
    const silentMs = clock.monotonicMs() - record.seenMs;
    const sinceMs = isDead ? record.deadSinceMs : record.seenMs;
    const hearsOthers = [...this.#watched.values()].some((other) => other !== record && other.seenMs > sinceMs);
    if (isLost({ silentMs, deadProbes: record.deadProbes, hearsOthers })) await this.#giveUp(node, signal);
  }

  /** When any board was last heard of. */
  #heardMs(): number {
    return Math.max(...[...this.#watched.values()].map(({ seenMs }) => seenMs));
  }

  #look(node: Node, nowMs: number): void {
    const name = node.metadata?.name ?? '';
    const lease = this.#parts.leases.lister.get('kube-node-lease', name)?.spec?.renewTime;
    const heartbeat = conditionOf(node, 'Ready')?.lastHeartbeatTime;
    const sign = `${lease} ${heartbeat}`;
    if (this.#watched.get(name)?.sign !== sign)
      this.#watched.set(name, { sign, seenMs: nowMs, deadProbes: 0, deadSinceMs: 0 });
  }

  async #giveUp(node: Node, signal: AbortSignal): Promise<void> {
    const { context, pods: podInformer, recorder } = this.#parts;
    const name = node.metadata?.name ?? '';
    const conditions = lostConditions(node, context.clock.nowMs());
    if (conditions !== undefined) {
      context.log.warn('a board is lost', { node: name });
      const message = `Node ${name} status is now: NodeNotReady`;
      recorder.record(referenceTo(node, 'v1', 'Node'), 'Normal', 'NodeNotReady', message);
      // With the version that it was judged by: a kubelet that speaks at this moment is believed.
      const { resourceVersion } = node.metadata ?? {};
      const body = { metadata: { resourceVersion }, status: { conditions } };
      const options = { subresource: 'status', signal };
      await context.client.patch(nodes, { namespace: '', name }, { type: 'strategic', body }, options);
    }
    await markPodsNotReady(context, podInformer.lister.byIndex('node', name), signal);
  }
}

async function ask(node: Node, probe: Probe): Promise<ProbeResult> {
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  if (address === undefined) return 'silent';
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT;
  return probe(address, port, PROBE_MS);
}
