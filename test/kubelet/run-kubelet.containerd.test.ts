import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { coreEvents, leases, nodes, pods } from '../../src/client/resources.ts';
import { CriImages } from '../../src/host/cri/cri-images.ts';
import { CriRuntime } from '../../src/host/cri/cri-runtime.ts';
import { runKubeletWith } from '../../src/kubelet/run-kubelet.ts';
import { BUSYBOX, startContainerd, whyNoContainerd } from '../contract/cri-containerd.ts';
import type { Containerd } from '../contract/cri-containerd.ts';
import { FakeApiClient } from '../fake/api-client.ts';
import { testParts } from './test-parts.ts';

const why = whyNoContainerd();
const NODE = 'w1';

interface Cluster {
  readonly client: FakeApiClient;
  readonly containerd: Containerd;
  readonly folder: string;
  /** Starts the kubelet. @returns how to stop it */
  start(): () => Promise<void>;
  getPod(name: string): Promise<Pod>;
  untilPod(name: string, what: string, check: (pod: Pod) => boolean, limitMs?: number): Promise<Pod>;
  reasons(name: string): Promise<readonly string[]>;
}

function makeCluster(containerd: Containerd, folder: string): Cluster {
  const client = new FakeApiClient(() => new Date());
  const { channel, cgroupRoot } = containerd;
  const getPod = async (name: string): Promise<Pod> => client.get(pods, 'default', name);
  return {
    client,
    containerd,
    folder,
    getPod,
    start() {
      const stop = new AbortController();
      const running = runKubeletWith(
        testParts(new CriRuntime(channel), new CriImages(channel)),
        {
          nodeName: NODE,
          client,
          nodeIps: ['192.0.2.7'],
          labels: { 'node-role.kubernetes.io/worker': '' },
          clusterDns: ['10.96.0.10'],
          clusterDomain: 'cluster.local',
          server: { address: '127.0.0.1', port: 10250, certFile: '', keyFile: '', clientCaFile: '' },
          rootDir: join(folder, 'kubelet'),
          podLogsDir: join(folder, 'logs'),
          containerLogsDir: join(folder, 'containers'),
          staticPodDir: join(folder, 'manifests'),
          cgroupRoot,
          evictionHard: {}, // this machine's disk may be as full as it likes
        },
        stop.signal,
      );
      return async () => {
        stop.abort();
        await running;
      };
    },
    async untilPod(name, what, check, limitMs = 15_000) {
      const end = Date.now() + limitMs;
      let last: Pod | undefined;
      while (Date.now() < end) {
        last = await getPod(name).catch(() => undefined);
        if (last !== undefined && check(last)) return last;
        await sleep(50);
      }
      throw new Error(`${name} did not become ${what}: ${JSON.stringify(last?.status, undefined, 1)}`);
    },
    async reasons(name) {
      const { items } = await client.list(coreEvents, { namespace: 'default' });
      return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason = '' }) => reason);
    },
  };
}

function podOf(name: string, spec: Partial<NonNullable<Pod['spec']>>): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { nodeName: NODE, restartPolicy: 'Always', terminationGracePeriodSeconds: 5, containers: [], ...spec },
  };
}

const SERVE = "trap 'echo bye; exit 0' TERM; echo up; sleep 600 & wait";

void t.test(
  'the kubelet on containerd',
  { ...(why === undefined ? {} : { skip: why }), timeout: 120_000 },
  async (t) => {
    const containerd = await startContainerd();
    const folder = await mkdtemp(join(tmpdir(), 'bramble-kubelet-'));
    const cluster = makeCluster(containerd, folder);
    let stop = cluster.start();
    t.teardown(async () => {
      await stop();
      await containerd.close();
      await rm(folder, { recursive: true, force: true });
    });

    await t.test('registers the node, ready, with a lease', async (t) => {
      const end = Date.now() + 10_000;
      let ready: string | undefined;
      while (Date.now() < end && ready !== 'True') {
        const node = await cluster.client.get(nodes, '', NODE).catch(() => undefined);
        ready = node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
        await sleep(50);
      }
      t.equal(ready, 'True');
      const node = await cluster.client.get(nodes, '', NODE);
      t.match(node.metadata?.labels, { 'kubernetes.io/hostname': NODE, 'node-role.kubernetes.io/worker': '' });
      t.match(node.status?.nodeInfo, {
        containerRuntimeVersion: /^containerd:\/\/1\./,
        kubeletVersion: 'v1.36.0+bramble',
      });
      t.ok(await cluster.client.get(leases, 'kube-node-lease', NODE));
    });

    await t.test('runs a pod with an init container, environment and a shared emptyDir', async (t) => {
      const mount = { name: 'work', mountPath: '/scratch' };
      const began = Date.now();
      await cluster.client.create(
        pods,
        podOf('web', {
          volumes: [{ name: 'work', emptyDir: {} }],
          initContainers: [
            {
              name: 'init',
              image: BUSYBOX,
              command: ['sh', '-c', 'echo from-init > /scratch/file'],
              volumeMounts: [mount],
            },
          ],
          containers: [
            {
              name: 'main',
              image: BUSYBOX,
              command: ['sh', '-c', `cat /scratch/file; echo $(GREETING) $POD_NAME $POD_IP; hostname; ${SERVE}`],
              env: [
                { name: 'GREETING', value: 'hello' },
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              ],
              volumeMounts: [mount],
            },
          ],
        }),
      );
      const isReady = (pod: Pod): boolean =>
        pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
      const pod = await cluster.untilPod('web', 'Ready', isReady);
      t.comment(`Ready after ${Date.now() - began} ms`);
      t.match(pod.status, { phase: 'Running', hostIP: '192.0.2.7', qosClass: 'BestEffort', podIP: /^10\.211\.7\./ });
      t.match(pod.status?.containerStatuses, [{ name: 'main', ready: true, started: true, restartCount: 0 }]);
      t.match(pod.status?.initContainerStatuses, [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }]);
      const logs = join(folder, 'logs', `default_web_${pod.metadata?.uid}`, 'main', '0.log');
      const end = Date.now() + 5000;
      let text = '';
      while (Date.now() < end && !/up/.test(text)) {
        text = await readFile(logs, 'utf8');
        await sleep(50);
      }
      const lines = text.split('\n').map((line) => line.split(' ').slice(3).join(' '));
      t.same(lines.slice(0, 4), ['from-init', `hello web ${pod.status?.podIP}`, 'web', 'up']);
      t.match(await cluster.reasons('web'), ['Pulled', 'Created', 'Started', 'Pulled', 'Created', 'Started']);
    });

    await t.test('is started again: healthy containers go on untouched', async (t) => {
      const before = await cluster.getPod('web');
      await stop();
      stop = cluster.start();
      await sleep(3000);
      const after = await cluster.getPod('web');
      t.equal(after.status?.containerStatuses?.[0]?.containerID, before.status?.containerStatuses?.[0]?.containerID);
      t.same(after.status?.conditions, before.status?.conditions);
      t.equal(after.status?.containerStatuses?.[0]?.restartCount, 0);
    });

    await t.test('restarts what crashes, with back-off', async (t) => {
      await cluster.client.create(
        pods,
        podOf('crash', { containers: [{ name: 'main', image: BUSYBOX, command: ['sh', '-c', 'echo oops; exit 3'] }] }),
      );
      const isHeldBack = ({ status }: Pod): boolean =>
        status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff';
      const pod = await cluster.untilPod('crash', 'held back', isHeldBack);
      const [status] = pod.status?.containerStatuses ?? [];
      t.match(status, { restartCount: 1, lastState: { terminated: { exitCode: 3, reason: 'Error' } } });
      t.match(status?.state?.waiting?.message, /^back-off 10s restarting failed container=main pod=crash_default\(/);
      t.equal(pod.status?.phase, 'Running');
      t.ok((await cluster.reasons('crash')).includes('BackOff'));
      await cluster.client.delete(pods, { namespace: 'default', name: 'crash' }, { gracePeriodSeconds: 1 });
    });

    await t.test('a pod that runs to its end succeeds; one with a missing image waits', async (t) => {
      const run = { name: 'main', image: BUSYBOX, command: ['sh', '-c', 'echo done > /dev/termination-log'] };
      await cluster.client.create(pods, podOf('job', { restartPolicy: 'Never', containers: [run] }));
      const image = 'registry.invalid/none:1';
      await cluster.client.create(pods, podOf('missing', { containers: [{ ...run, image }] }));
      const done = await cluster.untilPod('job', 'done', ({ status }) => status?.phase === 'Succeeded');
      t.match(done.status?.containerStatuses?.[0]?.state?.terminated, { exitCode: 0, message: 'done\n' });
      t.match(
        done.status?.conditions?.find(({ type }) => type === 'Ready'),
        { status: 'False', reason: 'PodCompleted' },
      );
      const waits = await cluster.untilPod('missing', 'waiting', ({ status }) =>
        /ErrImagePull|ImagePullBackOff/.test(status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ''),
      );
      t.equal(waits.status?.phase, 'Pending');
      await cluster.client.delete(pods, { namespace: 'default', name: 'job' });
      await cluster.client.delete(pods, { namespace: 'default', name: 'missing' }, { gracePeriodSeconds: 1 });
      const end = Date.now() + 10_000;
      const isThere = async (name: string): Promise<boolean> =>
        cluster.getPod(name).then(
          () => true,
          () => false,
        );
      while (Date.now() < end && ((await isThere('job')) || (await isThere('missing')))) await sleep(50);
      t.notOk((await isThere('job')) || (await isThere('missing')), 'both are gone from the API');
    });

    await t.test(
      'a pulled plug: the same pod runs again, with no hand, and a pod deleted meanwhile is tidied up',
      async (t) => {
        const long = [{ name: 'main', image: BUSYBOX, command: ['sh', '-c', SERVE] }];
        await cluster.client.create(pods, podOf('gone', { containers: long }));
        const gone = await cluster.untilPod('gone', 'Running', ({ status }) => status?.phase === 'Running');
        const before = await cluster.getPod('web');
        await stop();
        await containerd.crash();
        await cluster.client.delete(pods, { namespace: 'default', name: 'gone' }, { gracePeriodSeconds: 0 });
        stop = cluster.start();
        const isBack = ({ status }: Pod): boolean => {
          const [main] = status?.containerStatuses ?? [];
          const isNew = main?.containerID !== before.status?.containerStatuses?.[0]?.containerID;
          return isNew && main?.ready === true;
        };
        const pod = await cluster.untilPod('web', 'running again', isBack);
        t.match(pod.status?.containerStatuses, [{ restartCount: 1, lastState: { terminated: {} } }]);
        t.match(pod.status?.initContainerStatuses, [{ state: { terminated: { exitCode: 0 } } }]);
        const runtime = new CriRuntime(containerd.channel);
        const { signal } = new AbortController();
        const end = Date.now() + 10_000;
        const left = async (): Promise<number> => (await runtime.listSandboxes(signal, gone.metadata?.uid)).length;
        while (Date.now() < end && (await left()) > 0) await sleep(50);
        t.equal(await left(), 0);
      },
    );

    await t.test('the runtime dies with all containers under a living kubelet: they run again', async (t) => {
      const before = await cluster.getPod('web');
      await containerd.crash();
      const isBack = ({ status }: Pod): boolean => {
        const [main] = status?.containerStatuses ?? [];
        return main?.containerID !== before.status?.containerStatuses?.[0]?.containerID && main?.ready === true;
      };
      const pod = await cluster.untilPod('web', 'running again', isBack, 30_000);
      t.equal(pod.status?.containerStatuses?.[0]?.restartCount, 2);
    });

    await t.test('limits change while a container runs, where the runtime says what it enforces', async (t) => {
      const runtime = new CriRuntime(containerd.channel);
      const { signal } = new AbortController();
      const resources = { limits: { cpu: '200m', memory: '32Mi' } };
      const spec = { name: 'main', image: BUSYBOX, command: ['sh', '-c', SERVE], resources };
      await cluster.client.create(pods, podOf('sized', { containers: [spec] }));
      const pod = await cluster.untilPod('sized', 'Running', ({ status }) => status?.phase === 'Running');
      const id = pod.status?.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '';
      if ((await runtime.containerStatus(id, signal)).resources === undefined)
        return t.comment('containerd before 1.7');
      const wanted = { limits: { cpu: '400m', memory: '48Mi' } };
      const body = { spec: { containers: [{ name: 'main', resources: wanted }] } };
      await cluster.client.patch(pods, { namespace: 'default', name: 'sized' }, { type: 'strategic', body });
      const end = Date.now() + 5000;
      const limit = async (): Promise<number | undefined> =>
        (await runtime.containerStatus(id, signal)).resources?.memoryLimitInBytes;
      while (Date.now() < end && (await limit()) !== 48 << 20) await sleep(50);
      t.equal(await limit(), 48 << 20);
      t.equal((await runtime.containerStatus(id, signal)).state, 'running', 'without a restart');
      const calls = cluster.client.calls.length;
      await sleep(1000);
      t.ok(cluster.client.calls.length - calls < 20, 'and then there is peace');
      await cluster.client.delete(pods, { namespace: 'default', name: 'sized' }, { gracePeriodSeconds: 1 });
    });

    await t.test('ends a deleted pod gracefully and leaves nothing of it', async (t) => {
      const pod = await cluster.getPod('web');
      const uid = pod.metadata?.uid ?? '';
      await cluster.client.delete(pods, { namespace: 'default', name: 'web' });
      const began = Date.now();
      const end = began + 10_000;
      while (Date.now() < end && (await cluster.getPod('web').catch(() => undefined)) !== undefined) await sleep(50);
      t.ok(Date.now() - began < 4000, 'it ended by itself, before its grace was over');
      t.equal(await cluster.getPod('web').catch(() => 'gone'), 'gone');
      const runtime = new CriRuntime(containerd.channel);
      const { signal } = new AbortController();
      t.same(await runtime.listSandboxes(signal, uid), []);
      await sleep(6000);
      t.notOk((await readdir(join(folder, 'kubelet/pods'))).includes(uid), 'its folder is gone');
    });
  },
);
