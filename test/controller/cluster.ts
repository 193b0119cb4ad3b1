import type { Test } from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { createEventRecorder } from '../../src/client/event-recorder.ts';
import { createInformerSet } from '../../src/client/informer-set.ts';
import { pods } from '../../src/client/resources.ts';
import type { ControllerContext, CreateController } from '../../src/controller/controller.ts';
import { silentLog } from '../../src/host/log.ts';
import { runTogether } from '../../src/host/run-together.ts';
import { FakeApiClient } from '../fake/api-client.ts';
import { createFakeClock, type FakeClock } from '../fake/clock.ts';

/** Controllers at work on a cluster in memory, whose time a test moves by hand. */
export interface FakeCluster {
  readonly client: FakeApiClient;
  readonly clock: FakeClock;
  /** Lets everything that is to be done now be done. */
  settle(): Promise<void>;
  /** Binds pods without a node, and makes those that run ready: scheduler and kubelet in two lines. */
  startPods(): Promise<void>;
}

/** Runs the controllers until the test ends. */
export function startCluster(t: Test, controllers: readonly CreateController[]): FakeCluster {
  const clock = createFakeClock();
  const client = new FakeApiClient(() => new Date(clock.nowMs()));
  const log = silentLog;
  const informers = createInformerSet(client, { clock, log });
  const context: ControllerContext = {
    client,
    reader: client,
    informers,
    recorder: (component) => createEventRecorder({ client, component, clock, log }),
    clock,
    log,
  };
  const parts = controllers.map((create) => create(context));
  const stop = new AbortController();
  const running = runTogether([informers, ...parts], stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  const settle = async (): Promise<void> => {
    for (let step = 0; step < 60; step += 1) await clock.advance(10);
  };
  return { client, clock, settle, startPods: async () => startPods(client, clock) };
}

async function startPods(client: FakeApiClient, clock: FakeClock): Promise<void> {
  const { items } = await client.list(pods);
  for (const [index, pod] of items.entries()) {
    if (pod.status?.phase === 'Running' || pod.metadata?.deletionTimestamp !== undefined) continue;
    const lastTransitionTime = new Date(clock.nowMs()).toISOString();
    const status: Pod['status'] = {
      phase: 'Running',
      podIP: `10.244.0.${index + 10}`,
      podIPs: [{ ip: `10.244.0.${index + 10}` }],
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }],
    };
    await client.update(pods, { ...pod, status }, { subresource: 'status' });
  }
}
