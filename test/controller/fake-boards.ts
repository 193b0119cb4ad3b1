import type { Node, Pod } from '../../src/api/objects.ts';
import { isReason } from '../../src/api/status.ts';
import type { ApiClient } from '../../src/client/api-client.ts';
import { createInformer } from '../../src/client/informer.ts';
import { nodes, podBindings, pods } from '../../src/client/resources.ts';
import { createWorkQueue } from '../../src/client/work-queue.ts';
import { silentLog } from '../../src/host/log.ts';
import { runTogether } from '../../src/host/run-together.ts';

/** What a test says of its boards; may be changed while they run. */
export interface Boards {
  /** Whether a pod gets ready; images named `broken` never do unless set. */
  isReady: (pod: Pod) => boolean;
  /** How long a pod's end takes. */
  deletionMs: number;
  /** Boards that do nothing any more. */
  readonly dead: Set<string>;
  run(signal: AbortSignal): Promise<void>;
}

/** A node that its kubelet has just called ready. */
export function readyNode(name: string, address = '192.0.2.1'): Node {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      conditions: ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
        type,
        status: type === 'Ready' ? 'True' : 'False',
        reason: 'Test',
        message: '',
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      })),
    },
  };
}

/** Scheduler and kubelets of the shortest kind: pods are bound in turn, run at once, and end when deleted. */
export function fakeBoards(client: ApiClient, names: readonly string[]): Boards {
  const informer = createInformer(client, pods, { log: silentLog });
  const queue = createWorkQueue({ log: silentLog, maxDelayMs: 500 });
  const deletedMs = new Map<string, number>();
  let turn = 0;
  let address = 0;
  informer.onChange((before, now) => {
    const { namespace, name, uid = '' } = (now ?? before)?.metadata ?? {};
    if (now === undefined) deletedMs.delete(uid);
    else queue.add(`${namespace}/${name}`);
  });
  const self: Boards = {
    isReady: (pod) => pod.spec?.containers[0]?.image !== 'broken',
    deletionMs: 0,
    dead: new Set(),
    run: async (signal) =>
      runTogether([informer, { run: async (stop) => queue.run(8, async (key) => step(key, stop), stop) }], signal),
  };

  async function step(key: string, signal: AbortSignal): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    const pod = informer.lister.get(namespace, name);
    if (pod === undefined) return;
    try {
      await serve(pod, key, signal);
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
    }
  }

  async function serve(pod: Pod, key: string, signal: AbortSignal): Promise<void> {
    const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
    if (pod.spec?.nodeName === undefined) {
      const living = names.filter((one) => !self.dead.has(one));
      const node = living[(turn += 1) % living.length];
      if (node === undefined || pod.metadata?.deletionTimestamp !== undefined) return;
      const target = { apiVersion: 'v1', kind: 'Node', name: node };
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name }, target } as const;
      await client.create(podBindings, binding, { subresource: 'binding', signal });
    } else if (self.dead.has(pod.spec.nodeName)) return;
    else if (pod.metadata?.deletionTimestamp !== undefined) {
      const since = deletedMs.get(uid) ?? performance.now();
      deletedMs.set(uid, since);
      const leftMs = since + self.deletionMs - performance.now();
      if (leftMs > 0) return queue.addAfter(key, leftMs);
      await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal });
    } else await report(pod, signal);
  }

  async function report(pod: Pod, signal: AbortSignal): Promise<void> {
    const { namespace = '', name = '', uid } = pod.metadata ?? {};
    const status = self.isReady(pod) ? 'True' : 'False';
    const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
    if (pod.status?.phase === 'Running' && ready?.status === status) return;
    const number = (address += 1);
    const podIP = pod.status?.podIP ?? `10.244.${Math.floor(number / 250)}.${(number % 250) + 1}`;
    const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const body = {
      metadata: { uid },
      status: {
        phase: 'Running',
        podIP,
        podIPs: [{ ip: podIP }],
        conditions: [{ type: 'Ready', status, lastTransitionTime }],
      },
    };
    await client.patch(pods, { namespace, name }, { type: 'strategic', body }, { subresource: 'status', signal });
  }
  return self;
}

/** Makes these nodes ready ones of the cluster. */
export async function createNodes(client: ApiClient, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await client.create(nodes, readyNode(name));
    await client.patch(nodes, { namespace: '', name }, { type: 'merge', body: { spec: { taints: null } } });
  }
}
