import t from 'tap';
import { StatusError } from '../../src/api/status.ts';
import { nodes, pods } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { runScheduler } from '../../src/scheduler/run-scheduler.ts';
import { createFakeApiClient, type FakeApiClient } from '../fake/api-client.ts';
import { createFakeClock, settle } from '../fake/clock.ts';
import { node, pod } from './arrange.ts';

/**
 * Random churn under one seed: pods come and go, nodes are cordoned and change their size, bindings fail with and without
 * effect, watches break and history is lost. After every step no node may hold more than it has; once the faults stop,
 * every pod that fits somewhere must be placed (no wake-up was lost).
 */
const SEEDS = 12;
const STEPS = 120;
const NODES = ['n0', 'n1', 'n2', 'n3'];

/** mulberry32 */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Free cores by node; below zero is a broken promise. */
async function freeCores(client: FakeApiClient): Promise<Map<string, number>> {
  const free = new Map<string, number>();
  for (const { metadata, status } of (await client.list(nodes)).items)
    free.set(metadata?.name ?? '', Number(status?.allocatable?.['cpu']));
  for (const { spec } of (await client.list(pods)).items) {
    const cores = Number(spec?.containers[0]?.resources?.requests?.['cpu']);
    if (spec?.nodeName !== undefined) free.set(spec.nodeName, (free.get(spec.nodeName) ?? 0) - cores);
  }
  return free;
}

async function churn(client: FakeApiClient, random: () => number, step: number): Promise<void> {
  const dice = random();
  const nodeName = NODES[Math.floor(random() * NODES.length)] ?? '';
  const key = { namespace: '', name: nodeName };
  if (dice < 0.5) {
    const requests = { cpu: String(1 + Math.floor(random() * 3)) };
    await client.create(pods, pod(`p${step}`, { requests }));
  } else if (dice < 0.75) {
    const { items } = await client.list(pods);
    const victim = items[Math.floor(random() * items.length)]?.metadata?.name;
    if (victim === undefined) return;
    await client.delete(pods, { namespace: 'ns', name: victim }, { gracePeriodSeconds: 0 });
  } else if (dice < 0.85) {
    await client.patch(nodes, key, { type: 'merge', body: { spec: { unschedulable: random() < 0.5 } } });
  } else if (dice < 0.9) {
    const now = await client.get(nodes, '', nodeName);
    const cpu = Math.max(Number(now.status?.allocatable?.['cpu']), 4 + Math.floor(random() * 3));
    const body = { status: { allocatable: { cpu: String(cpu) } } };
    await client.patch(nodes, key, { type: 'merge', body }, { subresource: 'status' });
  } else if (dice < 0.95) client.endWatches();
  else {
    client.endWatches();
    client.compact();
  }
}

for (let seed = 1; seed <= SEEDS; seed += 1)
  void t.test(`seed ${seed}: never too much on a node, and nobody is forgotten`, async (t) => {
    const client = createFakeApiClient();
    const clock = createFakeClock();
    const random = createRandom(seed);
    client.seed(nodes, ...NODES.map((name) => node(name)));
    let isFaulty = true;
    const loseSome = (subresource: string | undefined): void => {
      if (isFaulty && subresource === 'binding' && random() < 0.1) throw new StatusError('Timeout', 'no answer');
    };
    client.onCall = ({ subresource }) => loseSome(subresource);
    const create = client.create.bind(client);
    client.create = async (resource, object, options) => {
      const made = await create(resource, object, options);
      loseSome(options?.subresource); // it has taken effect
      return made;
    };
    const stop = new AbortController();
    const running = runScheduler({ client, clock, log: silentLog, random, hasStatefulSets: false }, stop.signal);
    let tightest = 0;
    for (let step = 0; step < STEPS; step += 1) {
      await churn(client, random, step);
      await clock.advance(Math.floor(random() * 700));
      tightest = Math.min(tightest, ...(await freeCores(client)).values());
    }
    t.ok(tightest >= 0, `seed ${seed}: a node holds ${-tightest} cores too many`);

    isFaulty = false;
    for (let i = 0; i < 20; i += 1) await clock.advance(2000);
    await settle();
    const free = await freeCores(client);
    for (const { metadata } of (await client.list(nodes, { fieldSelector: 'spec.unschedulable=true' })).items)
      free.delete(metadata?.name ?? '');
    const most = Math.max(0, ...free.values());
    for (const { metadata, spec } of (await client.list(pods)).items) {
      const cores = Number(spec?.containers[0]?.resources?.requests?.['cpu']);
      if (spec?.nodeName === undefined)
        t.ok(cores > most, `seed ${seed}: ${metadata?.name} wants ${cores}, and ${most} are free on one node`);
    }
    stop.abort();
    await running;
  });
