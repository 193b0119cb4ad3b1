import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { isReason } from '../../src/api/status.ts';
import type { Images, Runtime, RuntimeContainerStatus } from '../../src/host/cri/cri.ts';
import type { ContainerConfig, SandboxConfig } from '../../src/host/cri/cri-config.ts';
import { BUSYBOX } from './cri-containerd.ts';

export interface CriUnderTest {
  readonly runtime: Runtime;
  readonly images: Images;
  readonly cgroupRoot: string;
}

const { signal } = new AbortController();

function sandboxConfig(cri: CriUnderTest, name: string, logDirectory: string, attempt = 0): SandboxConfig {
  const uid = `uid-${name}`;
  return {
    metadata: { name, uid, namespace: 'ns1', attempt },
    hostname: name,
    logDirectory,
    dnsConfig: { servers: ['10.96.0.10'], searches: ['svc.cluster.local'], options: ['ndots:5'] },
    portMappings: [],
    labels: { 'io.kubernetes.pod.uid': uid, 'io.kubernetes.pod.name': name },
    annotations: { own: 'yes' },
    linux: { cgroupParent: `${cri.cgroupRoot}/pod${uid}`, securityContext: { namespaceOptions: { pid: 1 } } },
  };
}

function containerConfig(name: string, script: string): ContainerConfig {
  return {
    metadata: { name, attempt: 2 },
    image: { image: BUSYBOX },
    command: ['sh', '-c', script],
    args: [],
    workingDir: '',
    envs: [{ key: 'GREETING', value: 'hello' }],
    mounts: [],
    devices: [],
    labels: { 'io.kubernetes.container.name': name },
    annotations: { 'io.kubernetes.container.hash': 'abc' },
    logPath: `${name}/2.log`,
    stdin: false,
    stdinOnce: false,
    tty: false,
    linux: {
      resources: { cpuShares: 102, memoryLimitInBytes: 64 << 20, oomScoreAdj: 1000 },
      securityContext: { namespaceOptions: { pid: 1 } },
    },
  };
}

async function until(check: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not come to pass within 10 s');
}

/** What every container runtime does: run on the fake everywhere, on containerd where there is root. */
export function criContract(t: Test, name: string, open: () => CriUnderTest): void {
  void t.test(`${name} runs a sandbox with an address, and gives all back`, async (t) => {
    const cri = open();
    const { runtime } = cri;
    const logs = await mkdtemp(join(tmpdir(), 'bramble-cri-logs-'));
    t.teardown(() => rm(logs, { recursive: true, force: true }));
    const config = sandboxConfig(cri, 'alone', logs);
    const id = await runtime.runSandbox(config, '', signal);

    const status = await runtime.sandboxStatus(id, signal);
    t.match(status, {
      id,
      state: 'ready',
      isHostNetwork: false,
      metadata: config.metadata,
      annotations: { own: 'yes' },
    });
    t.equal(status.ips.length, 1);
    t.ok(status.createdAtMs > Date.now() - 60_000);
    t.same(
      (await runtime.listSandboxes(signal, 'uid-alone')).map((one) => one.id),
      [id],
    );
    t.same(await runtime.listSandboxes(signal, 'uid-nobody'), []);
    const again = await runtime.runSandbox(config, '', signal).catch((error: unknown) => error);
    t.ok(isReason(again, 'AlreadyExists'), 'the name of a sandbox is reserved');

    await runtime.stopSandbox(id, signal);
    await runtime.stopSandbox(id, signal);
    t.equal((await runtime.sandboxStatus(id, signal)).state, 'notready');
    await runtime.removeSandbox(id, signal);
    await runtime.removeSandbox(id, signal);
    const gone = await runtime.sandboxStatus(id, signal).catch((error: unknown) => error);
    t.ok(isReason(gone, 'NotFound'));
  });

  void t.test(`${name} runs a container to its end, with its log`, async (t) => {
    const cri = open();
    const { runtime } = cri;
    const logs = await mkdtemp(join(tmpdir(), 'bramble-cri-logs-'));
    t.teardown(() => rm(logs, { recursive: true, force: true }));
    const sandbox = sandboxConfig(cri, 'job', logs);
    const sandboxId = await runtime.runSandbox(sandbox, '', signal);
    const config = containerConfig('main', 'echo $GREETING; exit 3');
    const id = await runtime.createContainer(sandboxId, config, sandbox, signal);
    t.match(await runtime.containerStatus(id, signal), { state: 'created', startedAtMs: 0, attempt: 2, name: 'main' });
    await runtime.startContainer(id, signal);
    await until(async () => (await runtime.containerStatus(id, signal)).state === 'exited');

    const status: RuntimeContainerStatus = await runtime.containerStatus(id, signal);
    t.match(status, { exitCode: 3, reason: 'Error', annotations: { 'io.kubernetes.container.hash': 'abc' } });
    const { createdAtMs, startedAtMs, finishedAtMs } = status;
    t.ok(createdAtMs > 0 && startedAtMs >= createdAtMs && finishedAtMs >= createdAtMs);
    // containerd 1.6 stamps the start when its call returns: of a container that ends at once, up to 1 ms after the end.
    t.ok(finishedAtMs >= startedAtMs - 100, `started ${startedAtMs}, finished ${finishedAtMs}`);
    t.match(await readFile(join(logs, 'main/2.log'), 'utf8'), /stdout F hello\n/);
    const labels = { 'io.kubernetes.container.name': 'main' };
    const listed = await runtime.listContainers({ sandboxId, labels }, signal);
    t.match(listed, [{ id, sandboxId, state: 'exited', image: BUSYBOX }]);
    await runtime.removeContainer(id, signal);
    await runtime.removeContainer(id, signal);
    await runtime.stopSandbox(sandboxId, signal);
    await runtime.removeSandbox(sandboxId, signal);
  });

  void t.test(`${name} stops a container: SIGTERM within its grace, SIGKILL after it`, async (t) => {
    const cri = open();
    const { runtime } = cri;
    const logs = await mkdtemp(join(tmpdir(), 'bramble-cri-logs-'));
    t.teardown(() => rm(logs, { recursive: true, force: true }));
    const sandbox = sandboxConfig(cri, 'stopping', logs);
    const sandboxId = await runtime.runSandbox(sandbox, '', signal);
    const run = async (name: string, script: string): Promise<string> => {
      const id = await runtime.createContainer(sandboxId, containerConfig(name, script), sandbox, signal);
      await runtime.startContainer(id, signal);
      return id;
    };
    const polite = await run('polite', "trap 'exit 0' TERM; echo up; sleep 600 & wait");
    const stubborn = await run('stubborn', "trap '' TERM; echo up; while true; do sleep 1; done");
    await until(async () => /up/.test(await readFile(join(logs, 'polite/2.log'), 'utf8')));
    await until(async () => /up/.test(await readFile(join(logs, 'stubborn/2.log'), 'utf8')));
    await runtime.stopContainer(polite, 10, signal);
    await runtime.stopContainer(polite, 10, signal);
    t.match(await runtime.containerStatus(polite, signal), { state: 'exited', exitCode: 0, reason: 'Completed' });
    await runtime.stopContainer(stubborn, 1, signal);
    t.match(await runtime.containerStatus(stubborn, signal), { state: 'exited', exitCode: 137 });
    await runtime.stopSandbox(sandboxId, signal);
    await runtime.removeSandbox(sandboxId, signal);
    const gone = await runtime.containerStatus(polite, signal).catch((error: unknown) => error);
    t.ok(isReason(gone, 'NotFound'), 'a sandbox takes its containers along');
  });

  void t.test(`${name} runs commands in a container`, async (t) => {
    const cri = open();
    const { runtime } = cri;
    const logs = await mkdtemp(join(tmpdir(), 'bramble-cri-logs-'));
    t.teardown(() => rm(logs, { recursive: true, force: true }));
    const sandbox = sandboxConfig(cri, 'exec', logs);
    const sandboxId = await runtime.runSandbox(sandbox, '', signal);
    const config = containerConfig('main', "trap 'exit 0' TERM; sleep 600 & wait");
    const id = await runtime.createContainer(sandboxId, config, sandbox, signal);
    await runtime.startContainer(id, signal);
    const result = await runtime.execSync(id, ['sh', '-c', 'echo out; echo err >&2; exit 7'], 10_000, signal);
    t.match(result, { exitCode: 7 });
    t.equal(result.stdout.toString(), 'out\n');
    t.equal(result.stderr.toString(), 'err\n');
    const slow = await runtime.execSync(id, ['sleep', '60'], 1000, signal).catch((error: unknown) => error);
    t.ok(isReason(slow, 'Timeout'), 'a command out of time is killed');
    const streams = { stdin: false, stdout: true, stderr: true, tty: false };
    t.match(await runtime.exec(id, ['true'], streams, signal), /^http/);
    const stats = await runtime.containerStats(id, signal);
    t.equal(stats.id, id);
    t.ok((stats.memoryWorkingSetBytes ?? 0) > 0);
    await runtime.stopSandbox(sandboxId, signal);
    await runtime.removeSandbox(sandboxId, signal);
  });

  void t.test(`${name} says what it is and which images it has`, async (t) => {
    const { runtime, images } = open();
    t.match(await runtime.version(signal), { name: 'containerd', version: /\d/ });
    const driver = await runtime.cgroupDriver(signal).catch((error: unknown) => {
      if (!isReason(error, 'MethodNotAllowed')) throw error;
      return undefined; // before containerd 2.0
    });
    t.ok([undefined, 'cgroupfs', 'systemd'].includes(driver));
    const conditions = await runtime.conditions(signal);
    t.ok(conditions.find((one) => one.type === 'RuntimeReady')?.status);
    t.ok(conditions.find((one) => one.type === 'NetworkReady')?.status);
    t.match(await images.status(BUSYBOX, signal), { repoTags: [BUSYBOX], id: /^sha256:/ });
    t.equal(await images.status('docker.io/library/none:1', signal), undefined);
    t.ok((await images.list(signal)).some((one) => one.repoTags.includes(BUSYBOX)));
    t.ok((await images.filesystems(signal)).length > 0);
  });
}
