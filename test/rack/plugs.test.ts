import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { storeMembers } from '../../src/rack/rack-status.ts';
import { openRack, type Rack, stopwatch, until } from './harness.ts';
import { aliveSince } from './heartbeats.ts';
import { type Answer, askService, RequestStream } from './request-stream.ts';
import { readCredentials, WriteStream } from './write-stream.ts';

/**
 * Pulled plugs, with an outside clock and clients of their own. More rounds: BRAMBLE_PLUG_ROUNDS=5.
 *
 * What is aimed at, on boards with a processor each: writes go on after 1.5 s through an API server that lives and after 3 s
 * through the floating address; a Service has left a dead worker after 5 s, and its pods run elsewhere after 20 s. The
 * limits below are what five boards keep to that share two busy cores.
 */

const { signal } = new AbortController();
const ROUNDS = Number(process.env['BRAMBLE_PLUG_ROUNDS'] ?? 1);
const LIMITS_MS = { living: 3_000, floating: 6_000, left: 10_000, replaced: 20_000, turn: 3_000 } as const;
const HELLO = readFileSync(join(import.meta.dirname, '../../examples/hello.yaml'), 'utf8');
/** tap gives a test 30 s unless told otherwise. */
const LONG = { timeout: 590_000 };
t.setTimeout(LONG.timeout);
const rack: Rack = await openRack('cluster', signal);
const control = rack.layout.boards.filter(({ role }) => role === 'control');
const controlAddresses = control.map(({ address }) => address);
const credentials = readCredentials(rack.paths.kubeconfig);
/** Names of this run's own: what an earlier one left is no hindrance. */
const RUN = Date.now().toString(36);

t.teardown(async () => {
  await rack.restore();
  await rack.tryKubectl(['delete', '--ignore-not-found', '--wait=false', '-f', '-'], HELLO);
  await rack.tryKubectl(['delete', 'configmaps', '-l', 'stream', '--wait=false']);
});

async function leader(): Promise<string> {
  return until(
    'the store has a leader',
    async () => {
      const members = await storeMembers(rack.paths, rack.layout, signal);
      return members.find(({ role }) => role === 'leader')?.name;
    },
    { timeoutMs: 30_000, signal },
  );
}

async function allVote(): Promise<void> {
  await until(
    'all members of the store vote and have caught up',
    async () => {
      const members = await storeMembers(rack.paths, rack.layout, signal);
      const indexes = members.map(({ index }) => index ?? 0);
      return (
        members.length === control.length &&
        members.every(({ role }) => role === 'leader' || role === 'follower') &&
        Math.max(...indexes) - Math.min(...indexes) < 200
      );
    },
    { timeoutMs: 60_000, signal },
  );
}

async function ask(timeoutMs: number): Promise<Answer> {
  return askService(controlAddresses[0] ?? '', timeoutMs);
}

/** All four pods answer, whatever the API still says of them. */
async function allServe(timeoutMs: number): Promise<void> {
  const pages = new Set<string>();
  await until(
    'four pods answer behind the Service',
    async () => {
      const { page } = await ask(1_000);
      if (page !== undefined) pages.add(page);
      return pages.size >= 4;
    },
    { timeoutMs, everyMs: 20, signal },
  );
}

async function lost(streams: readonly WriteStream[]): Promise<string[]> {
  const { items } = JSON.parse(await rack.kubectl(['get', 'configmaps', '-l', 'stream', '-o', 'json'])) as {
    items: { metadata: { name: string } }[];
  };
  const kept = new Set(items.map(({ metadata }) => metadata.name));
  return streams.flatMap(({ acked }) => acked.map(({ name }) => name)).filter((name) => !kept.has(name));
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) / 2)] ?? Infinity;
}

function say(t: Test, what: string, times: readonly number[]): void {
  t.comment(`${what}: ${times.map((ms) => `${ms} ms`).join(', ')}; median ${median(times)} ms`);
}

/** Runs as many rounds as asked for, and two more where a limit was missed: one hiccup of this machine is no defect. */
async function inRounds(run: (round: number) => Promise<void>, isMet: () => boolean): Promise<void> {
  for (let round = 0; round < ROUNDS || (round < ROUNDS + 2 && !isMet()); round += 1) await run(round);
}

void t.test(
  "1. the store leader's board, under writes: nothing acknowledged is lost, writes go on",
  LONG,
  async (t) => {
    const [living, floating]: [number[], number[]] = [[], []];
    const isMet = (): boolean => median(living) <= LIMITS_MS.living && median(floating) <= LIMITS_MS.floating;
    await inRounds(async (round) => {
      const board = await leader();
      const others = controlAddresses.filter(
        (address) => address !== control.find(({ name }) => name === board)?.address,
      );
      const streams = [
        new WriteStream(credentials, others, `living-${RUN}-${round}`),
        new WriteStream(credentials, [rack.layout.apiAddress], `floating-${RUN}-${round}`),
      ];
      const acked = async (sinceMs: number): Promise<unknown> =>
        until(
          'both streams go on',
          async () => streams.every((stream) => stream.acked.filter(({ atMs }) => atMs > sinceMs).length >= 20),
          { timeoutMs: 30_000, signal },
        );
      await acked(performance.now());
      const pulledMs = performance.now();
      await rack.pull(board);
      // Leases of the dead board run out until then.
      await sleep(5_000);
      await acked(performance.now());
      await Promise.all(streams.map(async (stream) => stream.stop()));
      living.push(streams[0]?.longestGapMs(pulledMs) ?? -1);
      floating.push(streams[1]?.longestGapMs(pulledMs) ?? -1);
      t.same(await lost(streams), [], 'no acknowledged write is lost');
      const plugged = stopwatch();
      await rack.plug(board);
      await allVote();
      t.comment(`${board} was back and had caught up ${plugged()} ms after its plug`);
    }, isMet);
    say(t, 'without writes through a living API server (aim 1500)', living);
    say(t, 'without writes through the floating address (aim 3000)', floating);
    t.ok(isMet());
  },
);

void t.test('2. a worker with pods behind a Service: the Service leaves it, and others take over', LONG, async (t) => {
  const [left, replaced]: [number[], number[]] = [[], []];
  const isMet = (): boolean => median(left) <= LIMITS_MS.left && median(replaced) <= LIMITS_MS.replaced;
  let aliveMs = Date.now();
  await inRounds(async () => {
    await aliveSince(rack, aliveMs, 90_000, signal);
    await rack.kubectl(['delete', 'deployment', 'hello', '--ignore-not-found']);
    await rack.kubectl(['apply', '-f', '-'], HELLO);
    await rack.kubectl(['rollout', 'status', 'deployment/hello', '--timeout=60s']);
    await allServe(20_000);
    const elapsed = stopwatch();
    await rack.pull('w1');
    const asking = new RequestStream(controlAddresses[0] ?? '', elapsed);
    await until(
      'four pods are Ready on w2',
      async () => {
        const lines = await rack.kubectl(['get', 'pods', '-l', 'app=hello', '-o', 'wide', '--no-headers']);
        return lines.split('\n').filter((line) => /\s1\/1\s+Running\s/.test(line) && /\sw2\s/.test(line)).length >= 4;
      },
      { timeoutMs: 90_000, signal },
    );
    replaced.push(elapsed());
    await until('the Service has left the dead board', async () => asking.wellMs !== undefined, {
      timeoutMs: 60_000,
      signal,
    });
    await asking.stop();
    left.push(asking.wellMs ?? -1);
    const stray = asking.failures.filter(({ atMs }) => atMs > (asking.wellMs ?? 0));
    t.comment(
      `${asking.failures.length} requests failed, after that ${stray.map(({ atMs, why }) => `${why} at ${atMs} ms`).join(', ') || 'none'}`,
    );
    aliveMs = Date.now();
    await rack.plug('w1');
    await aliveSince(rack, aliveMs, 90_000, signal);
    await until(
      'the pods of the dead board are gone',
      async () => {
        const lines = await rack.kubectl(['get', 'pods', '-l', 'app=hello', '--no-headers']);
        return lines.trim().split('\n').length === 4;
      },
      { timeoutMs: 60_000, signal },
    );
  }, isMet);
  say(t, 'the Service had left the dead board (aim 5000)', left);
  say(t, 'replacements Ready (aim 20000)', replaced);
  t.ok(isMet());
});

void t.test('3. all boards at once, and back: the same objects, the same Service, no hand', LONG, async (t) => {
  const recovered: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await rack.kubectl(['apply', '-f', '-'], HELLO);
    await rack.kubectl(['rollout', 'status', 'deployment/hello', '--timeout=60s']);
    const read = async (): Promise<string> =>
      rack.kubectl([
        'get',
        'deployments,services,configmaps,replicasets',
        '-o',
        'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{"\\n"}{end}',
      ]);
    const before = await read();
    await rack.pull(...rack.layout.boards.map(({ name }) => name));
    const [elapsed, pluggedMs] = [stopwatch(), Date.now()];
    await rack.plug(...rack.layout.boards.map(({ name }) => name));
    t.comment(`boards had booted after ${elapsed()} ms`);
    await until('the Service answers again', async () => (await ask(1_000)).page, { timeoutMs: 120_000, signal });
    t.comment(`the Service answered again after ${elapsed()} ms`);
    await aliveSince(rack, pluggedMs, 90_000, signal);
    await allServe(60_000);
    await rack.kubectl(['rollout', 'status', 'deployment/hello', '--timeout=60s']);
    recovered.push(elapsed());
    t.equal(await read(), before);
  }
  say(t, 'all Nodes and pods Ready after all plugs', recovered);
});

void t.test('4. each control board in turn, three rounds, under load', LONG, async (t) => {
  const gaps: number[] = [];
  const stream = new WriteStream(credentials, controlAddresses, `turn-${RUN}`);
  const turns = Array.from({ length: 3 }, () => control).flat();
  for (const { name } of turns) {
    await allVote();
    const pulledMs = performance.now();
    await rack.pull(name);
    await sleep(3_000);
    await rack.plug(name);
    gaps.push(stream.longestGapMs(pulledMs));
  }
  await allVote();
  await stream.stop();
  t.same(await lost([stream]), [], 'no acknowledged write is lost');
  t.comment(`${stream.acked.length} writes acknowledged`);
  say(t, 'longest time without a write, per pull', gaps);
  t.ok(median(gaps) <= LIMITS_MS.turn && Math.max(...gaps) < 10_000);
});
