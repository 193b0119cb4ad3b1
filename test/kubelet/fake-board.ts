import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { coreEvents, pods } from '../../src/client/resources.ts';
import type { Thresholds } from '../../src/kubelet/eviction/thresholds.ts';
import { runKubeletWith } from '../../src/kubelet/run-kubelet.ts';
import { FakeApiClient } from '../fake/api-client.ts';
import { createFakeClock } from '../fake/clock.ts';
import { FakeImages, FakeRuntime } from '../fake/cri.ts';
import { manualProcesses } from '../fake/cri-process.ts';
import type { ManualProcess } from '../fake/cri-process.ts';
import { testParts } from './test-parts.ts';

export interface Board {
  readonly client: FakeApiClient;
  readonly runtime: FakeRuntime;
  readonly images: FakeImages;
  readonly clock: ReturnType<typeof createFakeClock>;
  readonly launched: ManualProcess[];
  readonly manifests: string;
  start(): void;
  /** Moves the board's clock, second by second, for two minutes at most. */
  passUntil(what: string, check: () => Promise<boolean> | boolean): Promise<void>;
  pass(seconds: number): Promise<void>;
  stop(): Promise<void>;
  create(name: string, spec?: Partial<NonNullable<Pod['spec']>>): Promise<Pod>;
  get(name: string): Promise<Pod | undefined>;
  /** Waits in real time, the board's clock standing still. */
  until(what: string, check: () => Promise<boolean> | boolean): Promise<void>;
  untilRunning(name: string): Promise<void>;
  eventsOf(name: string): Promise<readonly string[]>;
}

/** Real time between two steps of the board's clock: what woke must have read its files before the clock goes on. */
const CALM_MS = 15;

/**
 * A kubelet over a fake runtime, a fake API server and a clock that stands still until it is moved.
 *
 * @param evictionHard what must be left of this machine; nothing unless set
 */
export async function startBoard(t: Test, evictionHard: Thresholds = {}): Promise<Board> {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-kubelet-'));
  const clock = createFakeClock();
  const client = new FakeApiClient(() => new Date(clock.nowMs()));
  const { launch, launched } = manualProcesses();
  const runtime = new FakeRuntime(clock, launch);
  const images = new FakeImages('img:1');
  let stop = new AbortController();
  let running = Promise.resolve();
  const manifests = join(folder, 'manifests');
  await mkdir(manifests);
  const get = async (name: string): Promise<Pod | undefined> =>
    client.get(pods, 'default', name).catch(() => undefined);
  const until: Board['until'] = async (what, check) => {
    const end = Date.now() + 5000;
    while (Date.now() < end) {
      if (await check()) return;
      await sleep(5);
    }
    throw new Error(`it did not come to this: ${what}`);
  };
  const board: Board = {
    client,
    runtime,
    images,
    clock,
    launched,
    manifests,
    start() {
      stop = new AbortController();
      running = runKubeletWith(
        testParts(runtime, images, clock),
        {
          nodeName: 'w1',
          client,
          nodeIps: ['192.0.2.7'],
          clusterDns: ['10.96.0.10'],
          clusterDomain: 'cluster.local',
          server: { address: '', port: 10250, certFile: '', keyFile: '', clientCaFile: '' },
          rootDir: join(folder, 'kubelet'),
          podLogsDir: join(folder, 'logs'),
          containerLogsDir: join(folder, 'containers'),
          staticPodDir: manifests,
          cgroupDriver: 'systemd', // makes no cgroups
          evictionHard,
        },
        stop.signal,
      );
    },
    async pass(seconds) {
      for (let i = 0; i < seconds; i += 1) {
        await sleep(CALM_MS);
        await clock.advance(1000);
      }
    },
    async passUntil(what, check) {
      for (let i = 0; i < 120; i += 1) {
        if (await check()) return;
        await board.pass(1);
      }
      throw new Error(`it did not come to this in two minutes: ${what}`);
    },
    async stop() {
      stop.abort();
      await running;
    },
    async create(name, spec = {}) {
      const containers = [{ name: 'main', image: 'img:1' }];
      const metadata = { name, namespace: 'default' };
      const whole = { nodeName: 'w1', restartPolicy: 'Always' as const, terminationGracePeriodSeconds: 30, containers };
      return client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...whole, ...spec } });
    },
    get,
    until,
    untilRunning: async (name) =>
      until(`${name} runs`, async () => {
        const status = (await get(name))?.status;
        return status?.phase === 'Running' && status.containerStatuses?.every(({ ready }) => ready) === true;
      }),
    async eventsOf(name) {
      const { items } = await client.list(coreEvents, { namespace: 'default' });
      return items.filter((one) => one.involvedObject.name === name).map(({ reason = '' }) => reason);
    },
  };
  board.start();
  t.teardown(async () => {
    await board.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return board;
}
