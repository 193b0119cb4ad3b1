import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { silentLog } from '../../src/host/log.ts';
import { createNetLinks } from '../../src/host/net-links.ts';
import { runFloatingAddress } from '../../src/network/floating-address.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { cutClient } from '../fake/cut-client.ts';
import { canMakeNamespaces, NetworkNamespace } from '../fake/network-namespace.ts';

const ECHO = fileURLToPath(new URL('../fake/echo.ts', import.meta.url));
const ADDRESS = '192.168.7.100';
const skip = canMakeNamespaces() ? false : 'needs root and ip';

/* A client that knows the old holder's MAC, and two boards; the link of the holder is cut, as by a pulled plug. */
void t.test(
  'a client gets through to the floating address again after a pulled plug',
  { skip, timeout: 60_000 },
  async (t) => {
    const made = ['lan', 'client', 'c1', 'c2'].map((name) => new NetworkNamespace(`bpf${process.pid}-${name}`));
    const [lan, client, c1, c2] = made as [NetworkNamespace, NetworkNamespace, NetworkNamespace, NetworkNamespace];
    const servers: ChildProcess[] = [];
    const stop = new AbortController();
    const running: Promise<void>[] = [];
    t.teardown(async () => {
      stop.abort();
      await Promise.allSettled(running);
      for (const server of servers) server.kill('SIGKILL');
      for (const one of made) one.delete();
    });
    lan.run('ip link add br0 type bridge');
    lan.run('ip link set br0 up');
    for (const [index, one] of [client, c1, c2].entries()) {
      lan.connect({ device: `p${index}` }, one, { device: 'eth0', address: `192.168.7.${index + 1}/24` });
      lan.run(`ip link set p${index} master br0`);
    }
    for (const [name, one] of [
      ['c1', c1],
      ['c2', c2],
    ] as const) {
      const [program, ...args] = [...one.prefix, process.execPath, ECHO, 'serve', name, '6443'];
      const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      servers.push(server);
      await once(server.stdout, 'data');
    }
    const ask = async (from: NetworkNamespace, patienceMs: number, signal?: AbortSignal): Promise<string> => {
      const [program, ...args] = [
        ...from.prefix,
        process.execPath,
        ECHO,
        'ask',
        'tcp',
        ADDRESS,
        '6443',
        '1',
        String(patienceMs),
      ];
      const { stdout } = await promisify(execFile)(program, args, { signal });
      return stdout.trim();
    };
    const api = createFakeApiClient();
    const cut = new Set<string>();
    const board = (name: string, one: NetworkNamespace): void => {
      const isServed = async (signal: AbortSignal): Promise<boolean> => /^c\d/.test(await ask(one, 250, signal));
      const options = {
        client: cutClient(api, () => cut.has(name)),
        address: ADDRESS,
        device: 'eth0',
        identity: name,
        log: silentLog,
        links: createNetLinks(one.prefix),
        openProbe: () => ({ isServed, drop: () => undefined }),
      };
      running.push(runFloatingAddress(options, stop.signal));
    };
    const until = async (isTrue: (answer: string) => boolean): Promise<void> => {
      for (let i = 0; i < 60 && !isTrue(await ask(client, 100)); i += 1);
    };

    board('c1', c1);
    await until((answer) => answer.startsWith('c1'));
    t.equal(await ask(client, 700), 'c1 192.168.7.1');
    const oldMac = /lladdr (\S+)/.exec(client.run(`ip neigh show ${ADDRESS}`))?.[1];
    board('c2', c2);
    await new Promise((resolve) => setTimeout(resolve, 1500));

    const startMs = performance.now();
    lan.run('ip link set p1 down');
    cut.add('c1');
    await until((answer) => answer.startsWith('c2'));
    const tookMs = Math.round(performance.now() - startMs);
    t.comment(`from the cut link to an answer at the floating address: ${tookMs} ms`);
    t.equal(await ask(client, 700), 'c2 192.168.7.1');
    t.not(/lladdr (\S+)/.exec(client.run(`ip neigh show ${ADDRESS}`))?.[1], oldMac);
    t.ok(tookMs < 3000, `${tookMs} ms`);

    // A client that missed the news is put right by the announcements that follow.
    client.run(`ip neigh replace ${ADDRESS} lladdr ${oldMac} dev eth0 nud reachable`);
    await until((answer) => answer.startsWith('c2'));
    t.equal(await ask(client, 700), 'c2 192.168.7.1');
  },
);
