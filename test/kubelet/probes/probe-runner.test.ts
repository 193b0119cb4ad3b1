import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { Container, Pod, PodStatus } from '../../../src/api/objects.ts';
import { ProbeResultStore } from '../../../src/kubelet/probes/probe-result-store.ts';
import type { PodEvent } from '../../../src/kubelet/pod-events.ts';
import { httpGet, httpUrl, portNumber } from '../../../src/kubelet/probes/http-get.ts';
import { ProbeCounts } from '../../../src/kubelet/probes/probe-counts.ts';
import { createProbeRunner } from '../../../src/kubelet/probes/probe-runner.ts';
import type { ExecResult } from '../../../src/kubelet/probes/prober.ts';
import { metricText } from '../../../src/kubelet/server/metric-text.ts';
import { runProbe } from '../../../src/kubelet/probes/run-probe.ts';
import { createFakeClock } from '../../fake/clock.ts';

const NEVER = new AbortController().signal;

function podOf(container: Partial<Container>, restartPolicy: 'Always' | 'Never' = 'Always'): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'ns', name: 'web', uid: 'u' },
    spec: { restartPolicy, containers: [{ name: 'c', image: 'i', ...container }] },
  };
}

/** A runner whose one container answers as `answers` says, oldest first, the last one for ever. */
function world(t: Test, pod: Pod, answers: number[]) {
  const clock = createFakeClock();
  const results = new ProbeResultStore();
  const events: PodEvent[] = [];
  const startedMs = Date.UTC(2026, 0, 1);
  const state = { containerId: 'id1', running: true, started: true, asked: 0, startedMs };
  const status = (): PodStatus => ({
    phase: 'Running',
    podIP: '127.0.0.1',
    containerStatuses: [
      {
        name: 'c',
        image: 'i',
        imageID: '',
        ready: false,
        restartCount: 0,
        started: state.started,
        containerID: `containerd://${state.containerId}`,
        state: state.running
          ? { running: { startedAt: new Date(state.startedMs).toISOString() } }
          : { terminated: { exitCode: 1 } },
      },
    ],
  });
  const counts = new ProbeCounts();
  const runner = createProbeRunner({
    results,
    counts,
    clock,
    events: { emit: (_pod, event) => events.push(event) },
    podStatus: () => status(),
    execSync: async (): Promise<ExecResult> => {
      state.asked += 1;
      const exitCode = (answers.length > 1 ? answers.shift() : answers[0]) ?? 0;
      return { exitCode, output: `code ${exitCode}` };
    },
  });
  const stop = new AbortController();
  const running = runner.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  runner.addPod(pod);
  const advance = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 250) await clock.advance(250);
  };
  return { results, events, state, runner, advance, counts };
}

const EXEC = { exec: { command: ['x'] }, periodSeconds: 2 };

void t.test(
  'a readiness probe is a failure until it has succeeded, and again after failureThreshold failures',
  async (t) => {
    const { results, events, advance, counts, runner } = world(
      t,
      podOf({ readinessProbe: { ...EXEC, failureThreshold: 2 } }),
      [0, 1, 1, 0],
    );
    await advance(500);
    t.equal(results.get('readiness', 'id1'), 'success');
    await advance(2_500);
    t.equal(results.get('readiness', 'id1'), 'success', 'one failure is not enough');
    await advance(2_000);
    t.equal(results.get('readiness', 'id1'), 'failure');
    t.match(events[0], {
      type: 'Warning',
      reason: 'Unhealthy',
      message: 'Readiness probe failed: code 1',
      container: 'c',
    });
    await advance(2_000);
    t.equal(results.get('readiness', 'id1'), 'success');
    const own = 'probe_type="Readiness",result="failed",container="c",pod="web",namespace="ns",pod_uid="u"';
    t.ok(metricText(counts.families()).includes(`prober_probe_total{${own}} 2\n`));
    runner.removePod('u');
    t.same(counts.families()[0]?.samples, [], 'of a pod that is gone nothing is kept');
  },
);

void t.test(
  'a liveness probe that failed asks nothing more of that container, and starts anew with the next',
  async (t) => {
    const { results, state, advance } = world(t, podOf({ livenessProbe: { ...EXEC, failureThreshold: 1 } }), [1, 0]);
    await advance(500);
    t.equal(results.get('liveness', 'id1'), 'failure');
    const { asked } = state;
    await advance(10_000);
    t.equal(state.asked, asked);
    state.containerId = 'id2';
    await advance(4_000);
    t.equal(results.get('liveness', 'id2'), 'success');
    t.equal(results.get('liveness', 'id1'), undefined, 'the old one is forgotten');
  },
);

void t.test('initialDelaySeconds is waited for, and then not a period more', async (t) => {
  const { state, advance } = world(
    t,
    podOf({ readinessProbe: { ...EXEC, periodSeconds: 60, initialDelaySeconds: 3 } }),
    [0],
  );
  await advance(2_500);
  t.equal(state.asked, 0);
  await advance(1_500);
  t.equal(state.asked, 1);
});

void t.test('a clock that was set back does not silence probes until the old time comes again', async (t) => {
  const { state, advance } = world(t, podOf({ readinessProbe: { ...EXEC, initialDelaySeconds: 3 } }), [0]);
  state.startedMs += 3_600_000;
  await advance(500);
  t.equal(state.asked, 1);
});

void t.test('until a startup probe has succeeded the others keep still', async (t) => {
  const container = { startupProbe: EXEC, livenessProbe: EXEC };
  const { results, state, advance } = world(t, podOf(container), [1, 0]);
  state.started = false;
  await advance(1_000);
  t.equal(state.asked, 1, 'the startup probe alone');
  t.equal(results.get('startup', 'id1'), 'unknown');
  await advance(2_000);
  t.equal(results.get('startup', 'id1'), 'success');
  state.started = true;
  const { asked } = state;
  await advance(2_500);
  t.ok(state.asked > asked, 'now liveness is asked');
});

void t.test('a terminating pod is asked for readiness only, a removed one for nothing', async (t) => {
  const { results, runner, state, advance } = world(t, podOf({ readinessProbe: EXEC, livenessProbe: EXEC }), [0]);
  await advance(500);
  runner.stopLivenessAndStartup('u');
  const { asked } = state;
  await advance(4_000);
  t.equal(state.asked - asked, 2);
  t.equal(results.get('readiness', 'id1'), 'success');
  runner.removePod('u');
  t.equal(results.get('readiness', 'id1'), undefined);
  const last = state.asked;
  await advance(4_000);
  t.equal(state.asked, last);
});

async function serve(t: Test, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

void t.test('an HTTP probe follows redirects on its host only, and 399 is the last good code', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: 'http://example.invalid/' }).end();
    else if (request.url === '/here') response.writeHead(302, { location: '/ok' }).end();
    else if (request.url === '/ok') response.writeHead(200).end(request.headers['user-agent']);
    else if (request.url === '/slow') return;
    else response.writeHead(Number(request.url?.slice(1))).end('x');
  });
  const port = await serve(t, server);
  const host = { execSync: async () => ({ exitCode: 0, output: '' }) };
  const container = { name: 'c', image: 'i', ports: [{ name: 'www', containerPort: port }] };
  const ask = async (path: string) =>
    runProbe(
      host,
      { probe: { httpGet: { path, port: 'www' } }, container, containerId: 'id', podIp: '127.0.0.1' },
      NEVER,
    );

  t.same(await ask('/ok'), { outcome: 'success', output: 'kube-probe/1.36' });
  t.equal((await ask('/here')).outcome, 'success');
  t.match(await ask('/away'), { outcome: 'warning', output: /^Probe terminated redirects/ });
  t.same(await ask('/500'), { outcome: 'failure', output: 'HTTP probe failed with statuscode: 500' });
  t.equal((await ask('/399')).outcome, 'success');
  t.match(await ask('/slow'), { outcome: 'failure', output: /context deadline exceeded/ });
});

void t.test('probes of a port where nobody listens say so in the words people search for', async (t) => {
  const server = createServer();
  const port = await serve(t, server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  const host = { execSync: async () => ({ exitCode: 0, output: '' }) };
  const base = { container: { name: 'c', image: 'i' }, containerId: 'id', podIp: '127.0.0.1' };
  const refused = new RegExp(`dial tcp 127\\.0\\.0\\.1:${port}: connect: connection refused`);
  t.match(await runProbe(host, { ...base, probe: { tcpSocket: { port } } }, NEVER), {
    outcome: 'failure',
    output: refused,
  });
  t.match(await runProbe(host, { ...base, probe: { httpGet: { port } } }, NEVER), {
    outcome: 'failure',
    output: refused,
  });
  t.match(await runProbe(host, { ...base, probe: { grpc: { port } } }, NEVER), {
    outcome: 'failure',
    output: /failed to connect service/,
  });
});

void t.test('httpUrl() and portNumber() read an httpGet', (t) => {
  t.equal(httpUrl({ host: '10.0.0.1', port: 80, action: { path: 'a?b=c', port: 80 } }).href, 'http://10.0.0.1/a?b=c');
  t.equal(
    httpUrl({ host: 'fd00::1', port: 8443, action: { scheme: 'HTTPS', port: 1 } }).href,
    'https://[fd00::1]:8443/',
  );
  t.equal(portNumber('8080', { name: 'c' }), 8080);
  t.throws(() => portNumber('www', { name: 'c' }), /couldn't find port: "www" in container c/);
  t.throws(() => portNumber(0, { name: 'c' }), /invalid port number/);
  t.end();
});

void t.test('httpGet() gives up a body after 10 KiB', async (t) => {
  const port = await serve(
    t,
    createServer((_request, response) => response.end(Buffer.alloc(1 << 20, 'x'))),
  );
  const answer = await httpGet({ host: '127.0.0.1', port, action: { port }, userAgent: 'x', timeoutMs: 5_000 }, NEVER);
  t.equal(answer.body.length, 10 * 1024);
});
