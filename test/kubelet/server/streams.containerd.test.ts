import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { WebSocket } from 'ws';
import { BUSYBOX, whyNoContainerd } from '../../contract/cri-containerd.ts';
import { startKubelet } from './kubelet-on-containerd.ts';
import { openSpdy, openWebSocket, webSocketBytes } from './stream-clients.ts';

/** A whole containerd starts and ends here: on a loaded or small machine more than tap's 30 s. */
t.setTimeout(120_000);

const why = whyNoContainerd();
const V4 = 'v4.channel.k8s.io';
const V5 = 'v5.channel.k8s.io';
const SPDY = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': V4 };
const PORT_FORWARD = 'portforward.k8s.io';

/** The path of an exec of a shell's script. */
function shell(script: string, flags = 'output=1&error=1'): string {
  const words = ['sh', '-c', script].map((word) => `command=${encodeURIComponent(word)}`);
  return `/exec/default/web/main?${words.join('&')}&${flags}`;
}

interface Numbers {
  readonly cpu: { readonly usageCoreNanoSeconds: number; readonly usageNanoCores?: number };
  readonly memory: { readonly workingSetBytes: number };
}
interface Summary {
  readonly node: Numbers;
  readonly pods: readonly (Numbers & {
    readonly containers: readonly (Numbers & { readonly name: string })[];
    readonly network?: object;
  })[];
}

void t.test(
  'streams through the kubelet to containerd',
  { ...(why === undefined ? {} : { skip: why }), timeout: 120_000 },
  async (t) => {
    const kubelet = await startKubelet();
    t.teardown(async () => kubelet.close());
    const { served } = kubelet;
    const pod = await kubelet.runPod('web', {
      containers: [
        {
          name: 'main',
          image: BUSYBOX,
          command: ['sh', '-c', 'echo up; echo hello > /tmp/index.html; httpd -p 8080 -h /tmp; sleep 600'],
        },
        { name: 'reader', image: BUSYBOX, command: ['cat'], stdin: true },
      ],
    });

    for (const protocol of [V4, V5]) {
      await t.test(`exec over ${protocol}: output, errors and exit code`, async (t) => {
        const done = await openWebSocket(served, shell('echo out; echo err >&2; exit 7'), protocol);
        const { stdout, stderr, status, closeCode } = await done.ended;
        t.same([stdout, stderr, closeCode], ['out\n', 'err\n', 1000]);
        t.match(JSON.parse(status), {
          status: 'Failure',
          reason: 'NonZeroExitCode',
          details: { causes: [{ reason: 'ExitCode', message: '7' }] },
        });
        const good = await openWebSocket(served, shell('true'), protocol);
        t.match(JSON.parse((await good.ended).status), { status: 'Success' });
      });
    }

    await t.test('exec over v5: the end of the input reaches the command, whose answer still comes', async (t) => {
      const path = shell('cat; echo end', 'input=1&output=1&error=1');
      const command = await openWebSocket(served, path, V5);
      command.send(0, 'some ');
      command.send(0, 'input\n');
      await command.until('some input\n');
      command.send(255, Buffer.from([0]));
      const { stdout, status } = await command.ended;
      t.equal(stdout, 'some input\nend\n');
      t.match(JSON.parse(status), { status: 'Success' });
    });

    await t.test('exec with a terminal takes its size', async (t) => {
      const path = shell('read x; busybox stty size; echo $x', 'input=1&output=1&tty=1');
      const command = await openWebSocket(served, path, V5);
      command.send(4, JSON.stringify({ Width: 123, Height: 45 }));
      await sleep(300);
      command.send(0, 'typed\n');
      const { stdout, status } = await command.ended;
      t.match(stdout, /45 123\r\ntyped\r\n/);
      t.match(JSON.parse(status), { status: 'Success' });
    });

    await t.test('exec carries much in both directions to a slow reader', async (t) => {
      const path = shell('cat', 'input=1&output=1');
      const command = await openWebSocket(served, path, V5);
      const block = Buffer.alloc(64 * 1024, 'x');
      command.webSocket.pause();
      for (let i = 0; i < 160; i += 1) command.send(0, block);
      command.send(255, Buffer.from([0]));
      await sleep(500);
      command.webSocket.resume();
      t.equal((await command.ended).stdout.length, 160 * block.length);
    });

    await t.test('exec over SPDY passes as it is', async (t) => {
      const path = shell('cat; exit 3', 'input=1&output=1&error=1');
      const client = openSpdy(await served.upgrade(path, SPDY));
      const [error, stdin, stdout] = ['error', 'stdin', 'stdout', 'stderr'].map((type) =>
        client.spdy.open({ streamtype: type }),
      );
      client.spdy.write(stdin ?? 0, Buffer.from('by spdy'));
      client.spdy.end(stdin ?? 0);
      await client.ended(error ?? 0);
      t.equal(client.text(stdout ?? 0), 'by spdy');
      t.match(JSON.parse(client.text(error ?? 0)), { details: { causes: [{ message: '3' }] } });
    });

    await t.test('attach reads and feeds what runs', async (t) => {
      const path = '/attach/default/web/reader?input=1&output=1&error=1';
      const attached = await openWebSocket(served, path, V5);
      attached.send(0, 'echoed\n');
      await attached.until('echoed\n');
      attached.webSocket.close();
      await attached.ended;
      t.match((await served.get('/containerLogs/default/web/reader')).text, /echoed\n$/);
    });

    await t.test('says what is wrong before it switches protocols', async (t) => {
      const flags = 'command=true&output=1';
      await t.rejects(served.upgrade(`/exec/default/none/main?${flags}`, SPDY), /404 pod "none" does not exist/);
      await t.rejects(served.upgrade(`/exec/default/web/side?${flags}`, SPDY), /404 container "side" not found/);
      await t.rejects(
        served.upgrade('/exec/default/web/main?command=true', SPDY),
        /400 you must specify at least 1 of/,
      );
      await t.rejects(openWebSocket(served, shell('true'), 'v9.channel.k8s.io'), /400/);
      t.match(await served.get(shell('true')), { code: 400, text: 'Upgrade request required' });
      const missing = openSpdy(await served.upgrade('/exec/default/web/main?command=nothere&output=1', SPDY));
      const error = missing.spdy.open({ streamtype: 'error' });
      missing.spdy.open({ streamtype: 'stdout' });
      await missing.ended(error);
      t.match(missing.text(error), /nothere/);
    });

    const request = 'GET /index.html HTTP/1.0\r\n\r\n';
    const forward = async (client: ReturnType<typeof openSpdy>): Promise<string> => {
      const [error, data] = ['error', 'data'].map((streamtype) =>
        client.spdy.open({ streamtype, port: '8080', requestid: '0' }),
      );
      client.spdy.end(error ?? 0);
      client.spdy.write(data ?? 0, Buffer.from(request));
      await client.ended(data ?? 0);
      client.spdy.destroy();
      return client.text(data ?? 0);
    };

    await t.test('port-forward over SPDY', async (t) => {
      const headers = { ...SPDY, 'x-stream-protocol-version': PORT_FORWARD };
      t.match(await forward(openSpdy(await served.upgrade('/portForward/default/web', headers))), /200 OK[^]*hello\n$/);
    });

    await t.test('port-forward over SPDY inside of a WebSocket', async (t) => {
      const headers = {
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        'sec-websocket-protocol': `SPDY/3.1+${PORT_FORWARD}`,
      };
      const socket = await served.upgrade('/portForward/default/web', headers, 'GET');
      t.match(await forward(openSpdy(webSocketBytes(socket))), /200 OK[^]*hello\n$/);
    });

    await t.test('port-forward over the WebSocket of old', async (t) => {
      const url = `wss://127.0.0.1:${served.port}/portForward/default/web?port=8080`;
      const webSocket = new WebSocket(url, ['v4.channel.k8s.io'], { ...served.admin });
      const data: Buffer[] = [];
      webSocket.on('message', (message) => (message as Buffer)[0] === 0 && data.push((message as Buffer).subarray(1)));
      webSocket.once('open', () => webSocket.send(Buffer.concat([Buffer.from([0]), Buffer.from(request)])));
      for (let i = 0; i < 100 && !Buffer.concat(data).includes('hello'); i += 1) await sleep(50);
      const all = Buffer.concat(data);
      t.equal(all.readUInt16LE(0), 8080, 'first the port');
      t.match(all.subarray(2).toString(), /200 OK[^]*hello\n$/);
      webSocket.terminate();
    });

    await t.test('run gives all output at once', async (t) => {
      const path = '/run/default/web/main?cmd=echo%20one%20two';
      t.match(await served.get(path, { method: 'POST' }), { code: 200, text: 'one two\n' });
      t.match(await served.get('/run/default/web/main?cmd=false', { method: 'POST' }), {
        code: 500,
        text: "command 'false' exited with 1: ",
      });
    });

    await t.test('statistics of real containers', async (t) => {
      const summary = async (): Promise<Summary> => JSON.parse((await served.get('/stats/summary')).text) as Summary;
      await summary();
      await sleep(1200);
      const { node, pods } = await summary();
      t.ok(node.cpu.usageCoreNanoSeconds > 0 && node.memory.workingSetBytes > 0);
      t.ok(node.cpu.usageNanoCores !== undefined, 'known at the second look');
      const [web] = pods;
      t.same(web?.containers.map(({ name }) => name).toSorted(), ['main', 'reader']);
      for (const one of web?.containers ?? []) t.ok(one.memory.workingSetBytes > 0, one.name);
      t.match(web?.network, { name: 'eth0' });
      t.match((await served.get('/metrics/resource')).text, /^container_memory_working_set_bytes\{container="main",/m);
      t.match((await served.get('/metrics/cadvisor')).text, /^container_network_receive_bytes_total\{.*pod="web",/m);
      const { text } = await served.get('/metrics');
      t.match(text, /^kubelet_running_pods 1$/m);
      t.match(text, /^kubelet_running_containers\{container_state="running"\} 2$/m);
      t.match(JSON.parse((await served.get('/runningpods/')).text), { items: [{ metadata: { name: 'web' } }] });
      t.match(JSON.parse((await served.get('/configz')).text), { kubeletconfig: { port: served.port } });
    });

    await t.test('logs of a real container', async (t) => {
      t.equal((await served.get(`/containerLogs/default/web/main`)).text, 'up\n');
      t.match(await served.get(`/containerLogs/default/web/main?previous=true`), {
        code: 400,
        text: 'previous terminated container "main" in pod "web" not found',
      });
      t.equal(pod.metadata?.name, 'web');
    });
  },
);
