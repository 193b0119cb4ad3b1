import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openRack, type Rack, stopwatch, until } from './harness.ts';

/** What a new user does, on the rack with real clients. */

const { signal } = new AbortController();
const HELLO = readFileSync(join(import.meta.dirname, '../../examples/hello.yaml'), 'utf8');
/** tap gives a test 30 s unless told otherwise. */
const LONG = { timeout: 590_000 };
t.setTimeout(LONG.timeout);
const rack: Rack = await openRack('cluster', signal);

interface NamedPod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly podIP: string;
    readonly conditions: { type: string; status: string; lastTransitionTime: string }[];
  };
}

async function readyPods(selector: string): Promise<NamedPod[]> {
  const { items } = JSON.parse(await rack.kubectl(['get', 'pods', '-l', selector, '-o', 'json'])) as {
    items: NamedPod[];
  };
  return items.filter((pod) =>
    pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
  );
}

async function pageFrom(address: string): Promise<string> {
  const answer = await fetch(`http://${address}:30080/`, { signal: AbortSignal.timeout(2_000) });
  return answer.text();
}

t.teardown(async () => {
  await rack.tryKubectl(['delete', '--ignore-not-found', '--wait=false', '-f', '-'], HELLO);
});

void t.test('five Nodes are Ready and say what they really are', LONG, async (t) => {
  const { items } = JSON.parse(await rack.kubectl(['get', 'nodes', '-o', 'json'])) as {
    items: {
      metadata: { name: string; labels: Record<string, string> };
      spec: { podCIDR: string; taints?: { key: string; effect: string }[] };
      status: { capacity: Record<string, string>; nodeInfo: Record<string, string> };
    }[];
  };
  t.same(
    items.map(({ metadata }) => metadata.name),
    rack.layout.boards.map(({ name }) => name).toSorted(),
  );
  t.equal(new Set(items.map(({ spec }) => spec.podCIDR)).size, items.length, 'each has a pod network of its own');
  for (const { metadata, spec, status } of items) {
    t.equal(status.capacity['memory'], '1Gi', `${metadata.name}: the board's cap, not the host's memory`);
    t.match(status.nodeInfo['osImage'], /^Debian GNU\/Linux 13/);
    t.match(status.nodeInfo['containerRuntimeVersion'], /^containerd:\/\//);
    const isControl = 'node-role.kubernetes.io/control-plane' in metadata.labels;
    t.equal(isControl, metadata.name.startsWith('c'));
    t.equal(
      spec.taints?.some(
        ({ key, effect }) => key === 'node-role.kubernetes.io/control-plane' && effect === 'NoSchedule',
      ) ?? false,
      isControl,
    );
  }
});

void t.test('a Deployment of four runs on both workers, and both Services lead to it', LONG, async (t) => {
  await rack.kubectl(['apply', '-f', '-'], HELLO);
  const pods = await until(
    'four pods are Ready',
    async () => {
      const ready = await readyPods('app=hello');
      return ready.length === 4 ? ready : undefined;
    },
    { timeoutMs: 60_000, signal },
  );
  t.same([...new Set(pods.map(({ spec }) => spec.nodeName))].toSorted(), ['w1', 'w2']);
  t.equal(new Set(pods.map(({ status }) => status.podIP)).size, 4);
  for (const { address, name } of rack.layout.boards) {
    const page = await until(`the NodePort of ${name} answers`, () => pageFrom(address), { timeoutMs: 10_000, signal });
    t.match(page, /^hello from hello-/, name);
  }
  const first = rack.layout.boards[0]?.address ?? '';
  const elapsed = stopwatch();
  const answered = new Set<string>();
  // That a pod is Ready is known to the API before the board that is asked has heard of it.
  await until('all four answer', async () => answered.add(await pageFrom(first)).size === 4, {
    timeoutMs: 10_000,
    everyMs: 5,
    signal,
  });
  t.comment(`all four answered behind c1's NodePort after ${elapsed()} ms`);
  const shares = new Map<string, number>();
  for (let i = 0; i < 80; i += 1) {
    const page = await pageFrom(first);
    shares.set(page, (shares.get(page) ?? 0) + 1);
  }
  t.equal(shares.size, 4);
  t.ok(Math.min(...shares.values()) >= 5, `each pod has its share of 80: ${[...shares.values()].join(' ')}`);
});

void t.test('exec, logs, attach and port-forward reach a pod', LONG, async (t) => {
  const [pod] = await readyPods('app=hello');
  const name = pod?.metadata.name ?? '';
  const fails = await rack.tryKubectl(['exec', name, '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
  t.same([fails.code, fails.stdout.trim()], [7, 'out']);
  t.match(fails.stderr, /^err/);
  t.equal(await rack.kubectl(['exec', '-i', name, '--', 'cat'], 'through stdin'), 'through stdin');
  t.match(await rack.kubectl(['logs', name, '--tail=1000']), /serving on 10\.244\./);
  const missing = await rack.tryKubectl(['exec', name, '-c', 'nobody', '--', 'true']);
  t.match(missing.stderr, /container (not found|nobody is not valid for pod)/);
});

void t.test('a pod finds Services by name, and pods on the other board without NAT', LONG, async (t) => {
  const pods = await readyPods('app=hello');
  const from = pods.find(({ spec }) => spec.nodeName === 'w1');
  const to = pods.find(({ spec }) => spec.nodeName === 'w2');
  const run = async (script: string): Promise<string> =>
    rack.kubectl(['exec', from?.metadata.name ?? '', '--', 'sh', '-c', script]);
  t.match(await run('nslookup hello.default.svc.cluster.local'), /Address:\s+10\./);
  t.match(await run('wget -qO- http://hello'), /^hello from/);
  t.match(await run(`wget -qO- http://${to?.status.podIP}:8080`), new RegExp(`hello from ${to?.metadata.name}`));
  const seen = await until(
    'the other side has logged the pod, not its board',
    async () => (await rack.kubectl(['logs', to?.metadata.name ?? ''])).includes(from?.status.podIP ?? 'nothing'),
    { timeoutMs: 10_000, signal },
  );
  t.ok(seen);
  t.match(await run('cat /var/run/secrets/kubernetes.io/serviceaccount/namespace'), /^default$/);
});

void t.test('a rollout replaces pods without a failed request, and goes back', LONG, async (t) => {
  const address = rack.layout.boards[0]?.address ?? '';
  const stop = new AbortController();
  let [good, bad] = [0, 0];
  const asking = (async () => {
    while (!stop.signal.aborted) {
      await pageFrom(address).then(
        () => (good += 1),
        () => (bad += 1),
      );
    }
  })();
  await rack.kubectl(['set', 'env', 'deployment/hello', 'ROUND=2']);
  await rack.kubectl(['rollout', 'status', 'deployment/hello', '--timeout=50s']);
  await rack.kubectl(['rollout', 'undo', 'deployment/hello']);
  await rack.kubectl(['rollout', 'status', 'deployment/hello', '--timeout=50s']);
  stop.abort();
  await asking;
  t.comment(`${good} requests answered, ${bad} not, during two rollouts`);
  t.ok(good > 50);
  t.ok(bad <= good / 100, `${bad} of ${good + bad} failed`);
  t.match(await rack.kubectl(['rollout', 'history', 'deployment/hello']), /3\s/);
});

void t.test('create to Ready, a pod at a time', LONG, async (t) => {
  const times: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    const startMs = performance.now();
    await rack.kubectl([
      'run',
      `quick-${i}`,
      '--image=docker.io/library/busybox:1',
      '--labels=run=quick',
      '--restart=Never',
      '--command',
      '--',
      'sleep',
      '300',
    ]);
    await rack.kubectl(['wait', '--for=condition=Ready', `pod/quick-${i}`, '--timeout=20s']);
    times.push(performance.now() - startMs);
  }
  times.sort((a, b) => a - b);
  t.comment(
    `kubectl run to kubectl wait: p50 ${Math.round(times[4] ?? 0)} ms, max ${Math.round(times.at(-1) ?? 0)} ms (two kubectl starts included)`,
  );
  await rack.kubectl(['delete', 'pods', '-l', 'run=quick', '--grace-period=0', '--force']);
  t.ok((times[4] ?? Infinity) < 10_000);
});

void t.test('etcdctl reads what kubectl wrote', LONG, async (t) => {
  const pki = '/var/lib/bramble/pki';
  const keys = await rack.exec('c1', [
    'etcdctl',
    '--endpoints=https://127.0.0.1:2379',
    `--cacert=${pki}/store-ca.crt`,
    `--cert=${pki}/store-client.crt`,
    `--key=${pki}/store-client.key`,
    'get',
    '--prefix',
    '--keys-only',
    '/registry/deployments/default/',
  ]);
  t.match(keys, /\/registry\/deployments\/default\/hello/);
});
