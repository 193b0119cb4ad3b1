import t from 'tap';
import type { ClusterEvent } from '../../src/scheduler/cluster-event.ts';
import { prioritySort } from '../../src/scheduler/plugin/priority-sort.ts';
import { readPod } from '../../src/scheduler/pod-info.ts';
import { SchedulingQueue } from '../../src/scheduler/scheduling-queue.ts';
import { createFakeClock } from '../fake/clock.ts';
import { node, pod } from './arrange.ts';

const NODE_ADDED: ClusterEvent = { resource: 'Node', changes: new Set(['added']), now: node('n') };

function arrange() {
  const clock = createFakeClock();
  const gates = new Set<string>();
  const queued: string[] = [];
  const queue = new SchedulingQueue({
    clock,
    compare: (a, b) => prioritySort.compare?.(a, b) ?? 0,
    gate: ({ name }) => (gates.has(name) ? 'Gate' : undefined),
    mayHelp: (plugin, _pod, event) => plugin === event.resource,
    initialBackoffMs: 1000,
    maxBackoffMs: 10_000,
    onQueued: (place, event) => queued.push(`${place} ${event}`),
  });
  const stop = new AbortController();
  const running = queue.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  const pop = async () => {
    const found = await queue.pop(stop.signal);
    if (found === undefined) throw new Error('aborted');
    return found;
  };
  const add = (name: string, priority = 0): void => queue.put(readPod(pod(name, { spec: { priority } })), false);
  return { clock, queue, gates, pop, add, queued };
}

void t.test('pods come out by priority, then by age', async (t) => {
  const { clock, queue, pop, add } = arrange();
  add('first');
  await clock.advance(5);
  add('second');
  add('important', 10);
  t.same([(await pop()).info.name, (await pop()).info.name, (await pop()).info.name], ['important', 'first', 'second']);
  t.match(queue.counts(), { inFlight: 3, active: 0 });
});

// SchedulerPopFromBackoffQ, on since Kubernetes 1.33.
void t.test('back-off keeps a helped pod from going before others, not from going at all', async (t) => {
  const { queue, pop, add, queued } = arrange();
  add('helped', 10);
  queue.giveBack(await pop(), new Set(['Node']));
  queue.moveOn(NODE_ADDED);
  add('other');
  t.equal((await pop()).info.name, 'other', 'it backs off, though it is more important');
  t.equal((await pop()).info.name, 'helped', 'but not when nobody else is there');
  t.same(queued, [
    'active UnschedulablePodAdd',
    'unschedulable ScheduleAttemptFailure',
    'backoff NodeAdd',
    'active UnschedulablePodAdd',
    'active PopFromBackoffQ',
  ]);
});

void t.test('a pod that is waited for comes out when an event helps it', async (t) => {
  const { queue, pop, add } = arrange();
  add('p');
  queue.giveBack(await pop(), new Set(['Node']));
  const popped = pop();
  queue.moveOn(NODE_ADDED);
  t.equal((await popped).info.name, 'p');
});

void t.test('a pod whose try went wrong waits its back-off out, whoever waits for it', async (t) => {
  const { clock, queue, pop, add } = arrange();
  add('p');
  queue.giveBack(await pop(), new Set());
  let isOut = false;
  const popped = pop().finally(() => (isOut = true));
  queue.moveOn(NODE_ADDED);
  await clock.advance(999);
  t.notOk(isOut);
  await clock.advance(1);
  t.equal((await popped).info.name, 'p');
});

void t.test('a rejected pod waits for an event of its rejector, after its back-off', async (t) => {
  const { clock, queue, pop, add } = arrange();
  add('p');
  queue.giveBack(await pop(), new Set(['Node']));
  queue.moveOn({ resource: 'Other', plural: 'services' });
  t.match(queue.counts(), { unschedulable: 1 });
  queue.moveOn(NODE_ADDED);
  t.match(queue.counts(), { backoff: 1 });
  await clock.advance(999);
  t.match(queue.counts(), { backoff: 1 });
  await clock.advance(1);
  t.match(queue.counts(), { active: 1 });
});

void t.test('an event during the flight is not lost', async (t) => {
  const { queue, pop, add } = arrange();
  add('p');
  const flying = await pop();
  queue.moveOn(NODE_ADDED);
  queue.giveBack(flying, new Set(['Node']));
  t.match(queue.counts(), { backoff: 1, unschedulable: 0 });
});

// scheduler/backend/queue: 1 s doubling to 10 s.
void t.test('after errors the back-off doubles up to its maximum', async (t) => {
  const { clock, queue, pop, add } = arrange();
  add('p');
  const waits: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    queue.giveBack(await pop(), new Set());
    const startMs = clock.monotonicMs();
    while (queue.counts().active === 0) await clock.advance(500);
    waits.push(clock.monotonicMs() - startMs);
  }
  t.same(waits, [1000, 2000, 4000, 8000, 10_000, 10_000]);
});

void t.test('a pod that nothing helps is tried again after five minutes', async (t) => {
  const { clock, queue, pop, add } = arrange();
  add('p');
  queue.giveBack(await pop(), new Set(['Node']));
  await clock.advance(290_000);
  t.match(queue.counts(), { unschedulable: 1 });
  await clock.advance(30_000);
  t.match(queue.counts(), { active: 1 });
});

void t.test('a gated pod is kept out until its update passes the gate', async (t) => {
  const { queue, gates, add } = arrange();
  gates.add('p');
  add('p');
  t.match(queue.counts(), { gated: 1 });
  queue.moveOn(NODE_ADDED);
  t.match(queue.counts(), { gated: 1 });
  gates.clear();
  add('p');
  t.match(queue.counts(), { active: 1 });
});

void t.test('a deleted pod never comes out; a new one of its name does, and its old flight harms it not', async (t) => {
  const { queue, pop, add } = arrange();
  add('p');
  const flying = await pop();
  queue.delete('ns/p');
  const reborn = pod('p');
  queue.put(readPod({ ...reborn, metadata: { ...reborn.metadata, uid: 'other' } }), false);
  queue.giveBack(flying, new Set(['Node']));
  queue.finish(flying);
  t.match(queue.counts(), { active: 1, unschedulable: 0 });
  t.equal((await pop()).info.uid, 'other');
});
