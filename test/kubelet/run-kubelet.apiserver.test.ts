import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createHttpApiClient } from '../../src/client/http-api-client.ts';
import { silentLog } from '../../src/host/log.ts';
import { defaultParts } from '../../src/kubelet/default-parts.ts';
import { runKubeletWith } from '../../src/kubelet/run-kubelet.ts';
import { startTestCluster } from '../apiserver/test-cluster.ts';
import { BUSYBOX, startContainerd, whyNoContainerd } from '../contract/cri-containerd.ts';
import { untilAborted } from './test-parts.ts';

const why = whyNoContainerd();

const PODS = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: default, namespace: default }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: kube-root-ca.crt, namespace: default }
data: { ca.crt: none }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: conf, namespace: default }
data: { color: red }
---
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: default, labels: { app: web } }
spec:
  nodeName: w1
  terminationGracePeriodSeconds: 5
  volumes:
    - { name: conf, configMap: { name: conf } }
    - { name: scratch, emptyDir: {} }
  initContainers:
    - { name: init, image: '${BUSYBOX}', command: [sh, -c, 'cp /conf/color /scratch/'], volumeMounts: [{ name: conf, mountPath: /conf }, { name: scratch, mountPath: /scratch }] }
  containers:
    - name: main
      image: ${BUSYBOX}
      command: [sh, -c, "cat /scratch/color; echo; echo $COLOR; ls /var/run/secrets/kubernetes.io/serviceaccount; trap 'exit 0' TERM; sleep 600 & wait"]
      env: [{ name: COLOR, valueFrom: { configMapKeyRef: { name: conf, key: color } } }]
      readinessProbe: { exec: { command: [cat, /scratch/color] }, periodSeconds: 1 }
      volumeMounts: [{ name: scratch, mountPath: /scratch }]
`;

void t.test(
  'the kubelet on the API server',
  { ...(why === undefined ? {} : { skip: why }), timeout: 120_000 },
  async (t) => {
    const containerd = await startContainerd();
    const cluster = await startTestCluster();
    const folder = await mkdtemp(join(tmpdir(), 'bramble-kubelet-'));
    const { certPem, keyPem } = await cluster.issueClient('system:node:w1', ['system:nodes']);
    const client = createHttpApiClient({
      config: { servers: [cluster.url], files: [], load: async () => ({ ca: cluster.ca, cert: certPem, key: keyPem }) },
      userAgent: 'bramble-test',
      log: silentLog,
    });
    const stop = new AbortController();
    const running = runKubeletWith(
      {
        ...defaultParts(containerd.channel, silentLog),
        runServer: async (_view, _options, _client, signal) => untilAborted(signal),
      },
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
        staticPodDir: join(folder, 'manifests'),
        cgroupRoot: containerd.cgroupRoot,
        evictionHard: {}, // this machine's disk may be as full as it likes
      },
      stop.signal,
    );
    t.teardown(async () => {
      stop.abort();
      await running;
      client.close();
      await cluster.close();
      await containerd.close();
      await rm(folder, { recursive: true, force: true });
    });
    const { kubectl } = cluster;
    const until = async (args: readonly string[], pattern: RegExp): Promise<string> => {
      let last = '';
      for (let i = 0; i < 200; i += 1) {
        last = await kubectl(args).catch((error: unknown) => String(error));
        if (pattern.test(last)) return last;
        await sleep(100);
      }
      const pods = await kubectl(['get', 'events,pods', '-A', '-o', 'wide']).catch(String);
      throw new Error(`${args.join(' ')} gave ${last}; ${pods}`);
    };

    await t.test('registers the node', async (t) => {
      t.match(await until(['get', 'nodes', '--no-headers'], / Ready /), /w1/);
      t.match(await kubectl(['get', 'lease', '-n', 'kube-node-lease', 'w1', '-o', 'name']), /lease/);
    });

    await t.test('runs a pod as kubectl shows it', async (t) => {
      await kubectl(['apply', '-f', '-'], PODS);
      const line = await until(['get', 'pods', 'web', '--no-headers'], /1\/1 +Running/);
      t.match(line, /web +1\/1 +Running +0 /);
      const ready = await kubectl(['get', 'pod', 'web', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")]}']);
      t.match(
        JSON.parse(ready),
        { status: 'True', reason: undefined, message: undefined },
        'nothing is left of before',
      );
      const described = await kubectl(['describe', 'pod', 'web']);
      t.match(described, /Status:\s+Running/);
      t.match(described, /Container ID:\s+containerd:\/\//);
      t.match(await until(['describe', 'pod', 'web'], /Container started/), /Container created/);
    });

    await t.test('and ends it', async (t) => {
      await kubectl(['delete', 'pod', 'web', '--timeout=20s']);
      t.equal(await kubectl(['get', 'pods', '-o', 'name']), '');
    });
  },
);
