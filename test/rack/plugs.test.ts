import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { storeMembers } from '../../src/rack/rack-status.ts';
import { openRack, type Rack, stopwatch, until } from './harness.ts';
import { readCredentials, WriteStream } from './write-stream.ts';

/** Pulled plugs, with an outside clock and clients of their own. More rounds: BRAMBLE_PLUG_ROUNDS=5. */

const { signal } = new AbortController();
const ROUNDS = Number(process.env['BRAMBLE_PLUG_ROUNDS'] ?? 1);
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

async function serving(boards: number): Promise<void> {
  await until(
    `${boards} Nodes are Ready`,
    async () => {
      const lines = await rack.kubectl(['get', 'nodes', '--no-headers', '--request-timeout=3s']);
      return lines.split('\n').filter((line) => /\sReady\s/.test(line)).length === boards;
    },
    { timeoutMs: 90_000, signal },
  );
}

async function lost(streams: readonly WriteStream[]): Promise<string[]> {
  const { items } = JSON.parse(await rack.kubectl(['get', 'configmaps', '-l', 'stream', '-o', 'json'])) as {
    items: { metadata: { name: string } }[];
  };
  const kept = new Set(items.map(({ metadata }) => metadata.name));
  return streams.flatMap(({ acked }) => acked.map(({ name }) => name)).filter((name) => !kept.has(name));
}

function say(t: Test, what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  t.comment(`${what}: ${times.map((ms) => `${ms} ms`).join(', ')}; median ${sorted[Math.floor(sorted.length / 2)]} ms`);
}

void t.test(
  "1. the store leader's board, under writes: nothing acknowledged is lost, writes go on",
  LONG,
  async (t) => {
    const [living, floating]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const board = await leader();
      const others = controlAddresses.filter(
        (address) => address !== control.find(({ name }) => name === board)?.address,
      );
      const streams = [
        new WriteStream(credentials, others, `living-${RUN}-${round}`),
        new WriteStream(credentials, [rack.layout.apiAddress], `floating-${RUN}-${round}`),
      ];
      await sleep(2_000);
      const pulledMs = performance.now();
      await rack.pull(board);
      await sleep(8_000);
      await Promise.all(streams.map(async (stream) => stream.stop()));
      living.push(streams[0]?.longestGapMs(pulledMs) ?? -1);
      floating.push(streams[1]?.longestGapMs(pulledMs) ?? -1);
      t.ok(
        streams.every(({ acked }) => (acked.at(-1)?.atMs ?? 0) > pulledMs + 6_000),
        'both streams go on',
      );
      t.same(await lost(streams), [], 'no acknowledged write is lost');
      const plugged = stopwatch();
      await rack.plug(board);
      await allVote();
      t.comment(`${board} was back and had caught up ${plugged()} ms after its plug`);
    }
    say(t, 'without writes through a living API server', living);
    say(t, 'without writes through the floating address', floating);
    t.ok(Math.max(...living) < 10_000 && Math.max(...floating) < 15_000);
  },
);

void t.test('2. a worker with pods behind a Service: the Service leaves it, and others take over', LONG, async (t) => {
  const [left, replaced]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    await serving(rack.layout.boards.length);
    await rack.kubectl(['delete', 'deployment', 'hello', '--ignore-not-found']);
    await rack.kubectl(['apply', '-f', '-'], HELLO);
    await rack.kubectl(['rollout', 'status', 'deployment/hello', '--timeout=60s']);
    const elapsed = stopwatch();
    await rack.pull('w1');
    const address = controlAddresses[0] ?? '';
    let lastFailureMs = 0;
    const asking = new AbortController();
    const loop = (async () => {
      while (!asking.signal.aborted) {
        const good = await fetch(`http://${address}:30080/`, { signal: AbortSignal.timeout(700) }).then(
          (answer) => answer.ok,
          () => false,
        );
        if (!good) lastFailureMs = elapsed();
        await sleep(50);
      }
    })();
    await until(
      'four pods are Ready on w2',
      async () => {
        const lines = await rack.kubectl(['get', 'pods', '-l', 'app=hello', '-o', 'wide', '--no-headers']);
        return lines.split('\n').filter((line) => /\s1\/1\s+Running\s/.test(line) && /\sw2\s/.test(line)).length >= 4;
      },
      { timeoutMs: 90_000, signal },
    );
    replaced.push(elapsed());
    await sleep(1_000);
    asking.abort();
    await loop;
    left.push(lastFailureMs);
    await rack.plug('w1');
    await serving(rack.layout.boards.length);
    await until(
      'the pods of the dead board are gone',
      async () => {
        const lines = await rack.kubectl(['get', 'pods', '-l', 'app=hello', '--no-headers']);
        return lines.trim().split('\n').length === 4;
      },
      { timeoutMs: 60_000, signal },
    );
  }
  say(t, 'last failed request to the Service', left);
  say(t, 'replacements Ready', replaced);
  t.ok(Math.max(...replaced) < 40_000);
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
    const elapsed = stopwatch();
    await rack.plug(...rack.layout.boards.map(({ name }) => name));
    t.comment(`boards had booted after ${elapsed()} ms`);
    await until(
      'the Service answers again',
      async () => {
        const answer = await fetch(`http://${controlAddresses[0]}:30080/`, { signal: AbortSignal.timeout(1_000) });
        return answer.ok;
      },
      { timeoutMs: 120_000, signal },
    );
    await serving(rack.layout.boards.length);
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
  t.ok(Math.max(...gaps) < 15_000);
});
