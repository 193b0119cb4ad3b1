import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Pod } from '../../../src/api/objects.ts';
import { createConnectHandlers } from '../../../src/apiserver/tunnel/connect-handlers.ts';
import type { ConnectRequest, ConnectTransport } from '../../../src/apiserver/connect.ts';
import { BUSYBOX, whyNoContainerd } from '../../contract/cri-containerd.ts';
import { startKubelet } from './kubelet-on-containerd.ts';
import type { ServedKubelet } from './served-kubelet.ts';

const KUBECTL = '/usr/bin/kubectl';
/** A whole containerd starts and ends here: on a loaded or small machine more than tap's 30 s. */
t.setTimeout(120_000);

const why = whyNoContainerd() ?? (existsSync(KUBECTL) ? undefined : `needs ${KUBECTL}`);
const { signal } = new AbortController();

/** As much of an API server as `kubectl exec` asks for: discovery, one pod, and the real way to the kubelet. */
async function startServer(pod: Pod, served: ServedKubelet): Promise<Server> {
  const handlers = createConnectHandlers(() => served.admin);
  const node = {
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: served.port } },
    },
  };
  const registry = { get: async (kind: string) => (kind === 'pods' ? pod : node) };
  const resources = [{ name: 'pods', kind: 'Pod', namespaced: true, singularName: 'pod', verbs: ['get', 'create'] }];
  const answers: Record<string, object> = {
    '/version': { major: '1', minor: '36', gitVersion: 'v1.36.0' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
    '/api/v1': { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'v1', resources },
    '/api/v1/namespaces/default/pods/web': pod,
  };
  const connect = async (url: URL, transport: ConnectTransport): Promise<void> => {
    const [namespace = '', , name = '', subresource = ''] = url.pathname.split('/').slice(4);
    const request = { namespace, name, query: url.searchParams, registry } as unknown as ConnectRequest;
    const handler = handlers.get(`pods/${subresource}`);
    if (handler === undefined) throw new Error(`nothing is at ${url.pathname}`);
    await handler.connect(request, transport, signal);
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://test');
    const answer = answers[url.pathname];
    const fail = (error: unknown): void => void response.writeHead(500).end(String(error));
    if (answer === undefined) connect(url, { type: 'exchange', request, response }).catch(fail);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '/', 'http://test');
    connect(url, { type: 'upgrade', request, socket, head }).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

void t.test(
  "kubectl through the API server's tunnel and the kubelet to containerd",
  { ...(why === undefined ? {} : { skip: why }), timeout: 120_000 },
  async (t) => {
    const kubelet = await startKubelet();
    const pod = await kubelet.runPod('web', {
      containers: [
        {
          name: 'main',
          image: BUSYBOX,
          command: ['sh', '-c', 'echo up; echo hello > /tmp/index.html; httpd -p 8080 -h /tmp; cat'],
          stdin: true,
        },
      ],
    });
    const server = await startServer(pod, kubelet.served);
    t.teardown(async () => {
      server.closeAllConnections();
      server.close();
      await kubelet.close();
    });
    const { port } = server.address() as AddressInfo;
    const start = (args: readonly string[], env: NodeJS.ProcessEnv) =>
      spawn(KUBECTL, ['--server', `http://127.0.0.1:${port}`, '-n', 'default', ...args], {
        env: { ...process.env, KUBECONFIG: '/dev/null', ...env },
      });
    const kubectl = async (args: readonly string[], env: NodeJS.ProcessEnv, input = '') => {
      const child = start(args, env);
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
      child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
      child.stdin.end(input);
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { code, stdout, stderr };
    };

    for (const isOn of ['true', 'false']) {
      const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: isOn, KUBECTL_PORT_FORWARD_WEBSOCKETS: isOn };
      const by = isOn === 'true' ? 'WebSocket' : 'SPDY';

      await t.test(`exec by ${by}`, async (t) => {
        t.same(await kubectl(['exec', 'web', '--', 'echo', 'hi'], env), { code: 0, stdout: 'hi\n', stderr: '' });
        t.match(await kubectl(['exec', 'web', '--', 'sh', '-c', 'echo bad >&2; exit 5'], env), {
          code: 5,
          stderr: 'bad\ncommand terminated with exit code 5\n',
        });
        t.match(await kubectl(['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo end'], env, 'in\n'), {
          code: 0,
          stdout: 'in\nend\n',
        });
        t.match(await kubectl(['exec', 'web', '--', 'nothere'], env), { stderr: /nothere/ });
      });

      await t.test(`port-forward by ${by}`, async (t) => {
        const child = start(['port-forward', 'web', ':8080'], env);
        const line = await new Promise<string>((resolve) => {
          child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()));
          child.stderr.once('data', (bytes: Buffer) => resolve(bytes.toString()));
        });
        const local = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
        t.ok(local, line);
        for (let i = 0; i < 3; i += 1) {
          const text = await new Promise<string>((resolve, reject) => {
            get(`http://127.0.0.1:${local}/index.html`, (response) => {
              let all = '';
              response.on('data', (bytes: Buffer) => (all += bytes.toString()));
              response.on('end', () => resolve(all));
            }).once('error', reject);
          });
          t.equal(text, 'hello\n');
        }
        child.kill('SIGKILL');
      });

      await t.test(`attach by ${by}`, async (t) => {
        const child = start(['attach', '-i', 'web'], env);
        let seen = '';
        child.stdout.on('data', (bytes: Buffer) => (seen += bytes.toString()));
        child.stdin.write(`${by}\n`);
        for (let i = 0; i < 100 && !seen.includes(by); i += 1) await sleep(50);
        t.match(seen, by);
        child.kill('SIGKILL');
      });
    }

    await t.test('logs', async (t) => {
      t.match(await kubectl(['logs', 'web', '--tail=1000'], {}), { code: 0, stdout: /^up\n/, stderr: '' });
      t.match(await kubectl(['logs', 'web', '--previous'], {}), { stderr: /previous terminated container/ });
      const following = start(['logs', '-f', 'web', '--timestamps', '--since=1h'], {});
      const first = await new Promise<string>((resolve) => {
        following.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()));
      });
      t.match(first, /^\d{4}-\d\d-\d\dT\S{18,} up\n/);
      following.kill('SIGKILL');
    });
  },
);
