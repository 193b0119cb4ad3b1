import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { RuntimeContainer, RuntimeImage } from '../../src/host/cri/cri.ts';
import { silentLog } from '../../src/host/log.ts';
import { findGarbage, removeGarbage } from '../../src/kubelet/container/container-garbage.ts';
import { rotateIfLarge, runLogRotation } from '../../src/kubelet/container/container-logs.ts';
import { containerMounts } from '../../src/kubelet/container/container-mounts.ts';
import { planImageRemoval } from '../../src/kubelet/image/image-garbage.ts';
import { tailLog } from '../../src/kubelet/container/log-tail.ts';
import { planMirrors } from '../../src/kubelet/mirror-pods.ts';
import { mirrorOf } from '../../src/kubelet/pod-identity.ts';
import { staticPod } from '../../src/kubelet/static-pods.ts';
import { createFakeClock, settle } from '../fake/clock.ts';
import { FakeRuntime } from '../fake/cri.ts';
import { manualProcesses } from '../fake/cri-process.ts';
import { containerOf, made, podOf, sandboxOf } from './runtime-state.ts';

const { signal } = new AbortController();

void t.test('findGarbage() keeps the newest of each name, and everything that is not dead', (t) => {
  const of = (
    name: string,
    state: 'running' | 'exited',
    attempt: number,
    uid = 'u1',
    sandboxId = 's0',
  ): RuntimeContainer => ({
    ...made(name, state, { attempt }),
    id: `${uid}/${name}-${attempt}`,
    labels: { 'io.kubernetes.pod.uid': uid },
    sandboxId,
  });
  const containers = [
    of('a', 'exited', 0),
    of('a', 'exited', 1),
    of('a', 'running', 2),
    of('b', 'exited', 0),
    of('x', 'exited', 0, 'gone', 's9'),
  ];
  const metadata = { name: 'web', namespace: 'ns1', uid: 'u1', attempt: 1 };
  const sandboxes = [
    sandboxOf({ id: 's0', state: 'notready' }),
    sandboxOf({ id: 's1', metadata }),
    sandboxOf({ id: 's2', state: 'notready', metadata: { ...metadata, uid: 'u2' } }),
    sandboxOf({ id: 's9', state: 'notready', metadata: { ...metadata, uid: 'gone' } }),
  ];
  const { containerIds, sandboxIds } = findGarbage(sandboxes, containers, (uid) => uid === 'gone');
  t.same(containerIds, ['u1/a-0', 'gone/x-0'], 'a-1 is what --previous shows');
  t.same(sandboxIds, ['s9'], 's0 still holds containers, s2 is the newest of its pod');
  t.end();
});

void t.test('removeGarbage() takes logs and last words along', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-garbage-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const logPath = join(folder, '1.log');
  for (const name of ['1.log', '1.log.20260101-000000.gz', '10.log']) await writeFile(join(folder, name), 'x');
  await mkdir(join(folder, 'containers/main'), { recursive: true });
  const hostPath = join(folder, 'containers/main/0123abcd');
  await writeFile(hostPath, 'x');
  const runtime = new FakeRuntime(createFakeClock(), manualProcesses().launch);
  const annotations = { 'io.kubernetes.container.terminationMessagePath': '/dev/termination-log' };
  const mounts = [{ containerPath: '/dev/termination-log', hostPath }];
  runtime.containerStatus = async () => ({ ...made('main', 'exited'), logPath, annotations, mounts });
  t.equal(await removeGarbage(runtime, { containerIds: ['c1'], sandboxIds: [] }, signal), 0);
  t.same((await readdir(folder)).toSorted(), ['10.log', 'containers']);
  t.same(await readdir(join(folder, 'containers/main')), []);
});

void t.test('planImageRemoval() removes the longest unused first, and no more than needed', (t) => {
  const image = (id: string, isPinned = false): RuntimeImage => ({
    id,
    repoTags: [`example.org/${id}:1`],
    repoDigests: [],
    sizeBytes: 10,
    uid: 0,
    username: '',
    isPinned,
  });
  const seen = new Map([
    ['old', { firstMs: 0, usedMs: 5 }],
    ['older', { firstMs: 0, usedMs: 1 }],
    ['used', { firstMs: 0, usedMs: 9 }],
    ['pinned', { firstMs: 0, usedMs: 0 }],
    ['new', { firstMs: 290_000, usedMs: 0 }],
    ['pause', { firstMs: 0, usedMs: 0 }],
  ]);
  const images = [image('old'), image('older'), image('used'), image('pinned', true), image('new'), image('pause')];
  const planned = (bytes: number): string[] =>
    planImageRemoval(images, seen, new Set(['used']), bytes, 300_000).map(({ id }) => id);
  t.same(planned(10), ['older']);
  t.same(planned(100), ['older', 'old'], 'nor the image of the sandboxes, which no container lists');
  t.same(planned(0), []);
  t.end();
});

void t.test('rotateIfLarge() puts a large log aside and keeps a bounded number', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-logs-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, '0.log');
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const runtime = new FakeRuntime(clock, manualProcesses().launch);
  runtime.reopenContainerLog = async () => writeFile(path, '');
  const options = { runtime, clock, sizeMax: 10, filesMax: 3 };
  await writeFile(path, 'short');
  await rotateIfLarge(options, 'c', path, signal);
  t.same(await readdir(folder), ['0.log']);
  for (let i = 0; i < 4; i += 1) {
    await writeFile(path, `a long line ${i}`);
    await rotateIfLarge(options, 'c', path, signal);
    await clock.advance(1000);
  }
  t.same((await readdir(folder)).toSorted(), ['0.log', '0.log.20260101-000002.gz', '0.log.20260101-000003']);
  t.equal(await readFile(join(folder, '0.log.20260101-000003'), 'utf8'), 'a long line 3');
});

void t.test('runLogRotation() finds the logs of running containers without asking the runtime for each', async (t) => {
  const podLogsDir = await mkdtemp(join(tmpdir(), 'bramble-logs-'));
  t.teardown(() => rm(podLogsDir, { recursive: true, force: true }));
  const folder = join(podLogsDir, 'ns1_web_u1/main');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '2.log'), 'a long line');
  const clock = createFakeClock();
  const runtime = new FakeRuntime(clock, manualProcesses().launch);
  const labels = {
    'io.kubernetes.pod.name': 'web',
    'io.kubernetes.pod.namespace': 'ns1',
    'io.kubernetes.pod.uid': 'u1',
  };
  runtime.listContainers = async () => [{ ...made('main', 'running', { attempt: 2 }), labels, sandboxId: 's' }];
  runtime.reopenContainerLog = async () => writeFile(join(folder, '2.log'), '');
  const stop = new AbortController();
  const options = { runtime, clock, log: silentLog, podLogsDir, sizeMax: 10, filesMax: 3 };
  const running = runLogRotation(options, stop.signal);
  await clock.advance(10_000);
  for (let i = 0; i < 200 && (await readdir(folder)).length < 2; i += 1) await settle();
  t.same((await readdir(folder)).toSorted(), ['2.log', '2.log.20260101-000010']);
  stop.abort();
  await running;
});

void t.test('tailLog() gives the last lines without their prefix', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-logs-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, '0.log');
  const time = '2026-01-01T00:00:00.000000000Z';
  await writeFile(path, `${time} stdout F one\n${time} stderr P tw\n${time} stderr F o\n`);
  t.equal(await tailLog(path, 80, 2048), 'one\ntwo\n');
  t.equal(await tailLog(path, 80, 4), 'two\n');
  t.equal(await tailLog(join(folder, 'none'), 80, 2048), '');
});

void t.test('containerMounts() makes subPaths, and lets none lead out of its volume', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-mounts-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const volume = join(folder, 'volume');
  await mkdir(volume);
  await symlink('/etc', join(volume, 'escape'));
  const paths = { rootDir: folder, podLogsDir: folder, containerLogsDir: folder };
  const volumes = new Map([['v', { name: 'v', hostPath: volume, readOnly: false }]]);
  const mountsOf = async (rest: object): ReturnType<typeof containerMounts> => {
    const volumeMounts = [{ name: 'v', mountPath: '/data', ...rest }];
    return containerMounts(podOf({}), containerOf('main', { volumeMounts }), {
      paths,
      volumes,
      environment: new Map([['P', 'x']]),
    });
  };
  const [plain, hosts, message] = await mountsOf({});
  t.match(plain, { containerPath: '/data', hostPath: volume, readonly: false });
  t.match(hosts, { containerPath: '/etc/hosts', hostPath: join(folder, 'pods/u1/etc-hosts') });
  t.match(message?.containerPath, '/dev/termination-log');
  t.match(await mountsOf({ subPathExpr: 'a/$(P)' }), [{ hostPath: join(volume, 'a/x') }]);
  // One key of a ConfigMap: its files lie behind two links, in a folder whose name begins with two dots.
  await mkdir(join(volume, '..2026_11_20'));
  await writeFile(join(volume, '..2026_11_20/app.conf'), 'x');
  await symlink('..2026_11_20', join(volume, '..data'));
  await symlink('..data/app.conf', join(volume, 'app.conf'));
  t.match(await mountsOf({ subPath: 'app.conf' }), [{ hostPath: join(volume, '..2026_11_20/app.conf') }]);
  await t.rejects(mountsOf({ subPath: '../x' }), /must not contain '\.\.'/);
  await t.rejects(mountsOf({ subPath: '/x' }), /must not be an absolute path/);
  await t.rejects(mountsOf({ subPath: 'escape/passwd' }), /leads outside of its volume/);
  await t.rejects(mountsOf({ name: 'none' }), /cannot find volume "none"/);
  await t.rejects(mountsOf({ readOnly: true, recursiveReadOnly: 'Enabled' }), /requested recursive read-only mode/);
});

void t.test('staticPod() names and marks the pod of a file; planMirrors() shows each once', (t) => {
  const text = 'kind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: a, image: b }] }\n';
  const pod = staticPod(text, '/m/web.yaml', 'W1');
  t.match(pod.metadata, {
    name: 'web-w1',
    namespace: 'default',
    annotations: { 'kubernetes.io/config.source': 'file' },
  });
  t.equal(staticPod(text, '/m/web.yaml', 'W1').metadata?.uid, pod.metadata?.uid, 'the same file, the same uid');
  t.not(staticPod(`${text}\n`, '/m/web.yaml', 'W1').metadata?.uid, pod.metadata?.uid);
  t.throws(() => staticPod('kind: Service', '/m/x', 'w1'), /"\/m\/x" holds no Pod/);
  const mirror = mirrorOf(pod);
  t.same(planMirrors([pod], [mirror]), { create: [], remove: [] });
  t.same(planMirrors([pod], []).create.length, 1);
  t.same(planMirrors([], [mirror]).remove.length, 1);
  const changed = staticPod(`${text}\n`, '/m/web.yaml', 'W1');
  t.match(planMirrors([changed], [mirror]), { create: [], remove: [{}] }, 'first the old one must go');
  t.end();
});
