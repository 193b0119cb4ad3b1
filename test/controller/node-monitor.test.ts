import t, { type Test } from 'tap';
import type { KubeObject, Lease, Node } from '../../src/api/objects.ts';
import type { ControllerContext } from '../../src/controller/controller.ts';
import { readyStatus } from '../../src/controller/node-health.ts';
import { NodeMonitor } from '../../src/controller/node-monitor.ts';
import type { Informer } from '../../src/client/informer.ts';
import { createInformerSet } from '../../src/client/informer-set.ts';
import { nodes } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { createFakeClock, type FakeClock } from '../fake/clock.ts';
import { readyNode } from './fake-boards.ts';

const RENEW_MS = 4_000;

interface Boards {
  readonly clock: FakeClock;
  /** Boards whose plug is out: no renewal, no answer. */
  readonly off: Set<string>;
  /** Boards that are too busy to renew, and answer. */
  readonly slow: Set<string>;
  /** Whether we hear and reach anybody. */
  isCutOff: boolean;
  /** Boards that were given up so far. */
  lost(): Promise<string[]>;
}

/** Boards whose Leases were renewed at different times, 700 ms apart, and a monitor that has heard of all. */
async function watchBoards(t: Test, names: readonly string[]): Promise<Boards> {
  const clock = createFakeClock();
  const client = createFakeApiClient();
  const context: ControllerContext = {
    client,
    reader: client,
    clock,
    log: silentLog,
    informers: createInformerSet(client, { clock, log: silentLog }),
    recorder: () => recorder,
  };
  const recorder = { record: () => undefined, run: async () => undefined };
  client.seed<Node>(nodes, ...names.map((name) => readyNode(name, name)));
  const all = (await client.list(nodes)).items;
  const renewed = new Map<string, number>();
  const state: Boards = {
    clock,
    off: new Set(),
    slow: new Set(),
    isCutOff: false,
    lost: async () =>
      (await client.list(nodes)).items
        .filter((node) => readyStatus(node) !== 'True')
        .map(({ metadata }) => metadata?.name ?? ''),
  };
  const lease = (name: string): Lease => {
    const at = clock.monotonicMs() + names.indexOf(name) * 700;
    if (!state.isCutOff && !state.off.has(name) && !state.slow.has(name)) renewed.set(name, Math.floor(at / RENEW_MS));
    const renewTime = new Date((renewed.get(name) ?? 0) * RENEW_MS).toISOString();
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec: { renewTime } };
  };
  const monitor = new NodeMonitor({
    context,
    nodes: still(
      () => all,
      (name) => all.find(({ metadata }) => metadata?.name === name),
    ),
    leases: still(() => [], lease),
    pods: still(
      () => [],
      () => undefined,
    ),
    recorder,
    probe: async (address, _port, timeoutMs) => {
      if (!state.isCutOff && !state.off.has(address)) return 'answers';
      await clock.sleepMs(timeoutMs, stop.signal).catch(() => undefined);
      return 'silent';
    },
  });
  const stop = new AbortController();
  const running = monitor.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  await clock.advance(10_000);
  return state;
}

/** A cache that is what it is. */
function still<T extends KubeObject>(list: () => readonly T[], get: (name: string) => T | undefined): Informer<T> {
  return {
    lister: { list, get: (_namespace, name) => get(name), byIndex: () => [] },
    addIndex: () => undefined,
    onChange: () => () => undefined,
    synced: async () => undefined,
    run: async () => undefined,
  };
}

void t.test('a board without power is given up within 7 s, whenever it had renewed its Lease', async (t) => {
  for (let phaseMs = 0; phaseMs < RENEW_MS; phaseMs += 500) {
    const boards = await watchBoards(t, ['c1', 'c2', 'c3', 'w1', 'w2']);
    await boards.clock.advance(phaseMs);
    boards.off.add('w2');
    await boards.clock.advance(2_000);
    t.same(await boards.lost(), [], 'not on a first doubt');
    await boards.clock.advance(5_000);
    t.same(await boards.lost(), ['w2'], `${phaseMs} ms into a period`);
  }
});

void t.test('one control board and one worker: the same, with nobody else to compare with', async (t) => {
  const boards = await watchBoards(t, ['c1', 'w1']);
  boards.off.add('w1');
  await boards.clock.advance(10_000);
  t.same(await boards.lost(), ['w1']);
});

void t.test('a board that answers is given 50 s', async (t) => {
  const boards = await watchBoards(t, ['c1', 'w1', 'w2']);
  boards.slow.add('w1');
  await boards.clock.advance(45_000);
  t.same(await boards.lost(), []);
  await boards.clock.advance(10_000);
  t.same(await boards.lost(), ['w1']);
});

void t.test('who is cut off gives up nobody, then or when it hears them again', async (t) => {
  for (const cutMs of [3_000, 5_000, 7_000, 10_000, 70_000]) {
    const boards = await watchBoards(t, ['c1', 'c2', 'c3', 'w1', 'w2']);
    boards.isCutOff = true;
    await boards.clock.advance(cutMs);
    t.same(await boards.lost(), [], `${cutMs} ms`);
    boards.isCutOff = false;
    // They come back one after the other.
    boards.slow.add('w2');
    await boards.clock.advance(3_000);
    boards.slow.delete('w2');
    await boards.clock.advance(10_000);
    t.same(await boards.lost(), [], `after ${cutMs} ms`);
  }
});
