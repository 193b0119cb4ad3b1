import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Node } from '../../src/api/objects.ts';
import { createInformer } from '../../src/client/informer.ts';
import { nodes } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createNetLinks } from '../../src/host/net-links.ts';
import { createVxlan } from '../../src/host/net-vxlan.ts';
import { createNft } from '../../src/host/nft.ts';
import { runPodNetwork } from '../../src/network/pod-network.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { canMakeNamespaces, NetworkNamespace } from '../fake/network-namespace.ts';

/*
 * Two nodes and an outsider on one network 192.168.7.0/24, a third node behind a router on 172.16.0.0/24; a pod on each
 * node, put there by the real CNI plugins.
 */
const ECHO = fileURLToPath(new URL('../fake/echo.ts', import.meta.url));
const CNI = '/usr/lib/cni';
const skip = canMakeNamespaces() && existsSync(`${CNI}/bridge`) ? false : 'needs root, ip, nft and CNI plugins';

void t.test('runPodNetwork() on three nodes', { skip, timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bramble-network-'));
  const made: NetworkNamespace[] = [];
  const namespace = (name: string): NetworkNamespace => {
    const one = new NetworkNamespace(`bpn${process.pid}-${name}`);
    made.push(one);
    return one;
  };
  const servers: ChildProcess[] = [];
  const stop = new AbortController();
  const client = createFakeApiClient();
  const informer = createInformer(client, nodes);
  const running = [informer.run(stop.signal)];
  t.teardown(async () => {
    stop.abort();
    await Promise.allSettled(running);
    for (const server of servers) server.kill('SIGKILL');
    for (const one of made) one.delete();
    rmSync(folder, { recursive: true });
  });

  const lan = namespace('lan');
  lan.run('ip link add br0 type bridge');
  lan.run('ip link set br0 up');
  const onLan = (name: string, last: number): NetworkNamespace => {
    const one = namespace(name);
    lan.connect({ device: `p${last}` }, one, { device: 'eth0', address: `192.168.7.${last}/24` });
    lan.run(`ip link set p${last} master br0`);
    return one;
  };
  const serve = async (from: NetworkNamespace, name: string): Promise<void> => {
    const [program, ...args] = [...from.prefix, process.execPath, ECHO, 'serve', name, '8080'];
    const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    servers.push(server);
    await once(server.stdout, 'data');
  };
  const ask = (from: NetworkNamespace, address: string): string => {
    const [program, ...args] = [...from.prefix, process.execPath, ECHO, 'ask', 'tcp', address, '8080', '1'];
    return execFileSync(program, args, { encoding: 'utf8' }).trim();
  };

  const gateways: string[] = [];
  const board = (name: string, one: NetworkNamespace): NetworkNamespace => {
    const options = {
      nodes: informer,
      nodeName: name,
      uplink: 'eth0',
      clusterCidr: '10.244.0.0/16',
      onGateway: (address: string) => gateways.push(address),
      log: silentLog,
      links: createNetLinks(one.prefix),
      vxlan: createVxlan(one.prefix),
      nft: createNft(one.prefix),
      cniConfigPath: join(folder, `${name}.conflist`),
    };
    running.push(runPodNetwork(options, stop.signal));
    return one;
  };
  const node = (name: string, last: number, address = `192.168.7.${last}`): Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDR: `10.244.${last}.0/24`, podCIDRs: [`10.244.${last}.0/24`] },
    status: { addresses: [{ type: 'InternalIP', address }] },
  });
  const until = async (what: string, isTrue: () => boolean): Promise<void> => {
    for (let i = 0; i < 200 && !isTrue(); i += 1) await new Promise((resolve) => setTimeout(resolve, 50));
    t.ok(isTrue(), what);
  };
  /** What the runtime does with the configuration that it found. */
  const addPod = (name: string, on: NetworkNamespace, nodeName: string): NetworkNamespace => {
    const pod = namespace(name);
    const { plugins, ...rest } = JSON.parse(readFileSync(join(folder, `${nodeName}.conflist`), 'utf8')) as {
      plugins: { ipam: object }[];
    };
    const [bridge] = plugins;
    const config = { ...rest, ...bridge, ipam: { ...bridge?.ipam, dataDir: join(folder, nodeName) } };
    const env = ['CNI_COMMAND=ADD', `CNI_CONTAINERID=${name}`, `CNI_NETNS=/var/run/netns/${pod.name}`];
    const argv = [...on.prefix, 'env', ...env, 'CNI_IFNAME=eth0', `CNI_PATH=${CNI}`, `${CNI}/bridge`];
    execFileSync('sh', ['-c', `cat | ${argv.join(' ')}`], {
      input: JSON.stringify(config),
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    return pod;
  };

  const a = board('a', onLan('a', 1));
  const b = board('b', onLan('b', 2));
  const router = onLan('router', 254);
  const far = namespace('far');
  router.run('sysctl -qw net.ipv4.ip_forward=1');
  router.connect({ device: 'eth1', address: '172.16.0.254/24' }, far, { device: 'eth0', address: '172.16.0.4/24' });
  far.run('ip route add default via 172.16.0.254');
  for (const one of [a, b]) one.run('ip route add default via 192.168.7.254');
  const outsider = onLan('outsider', 9);
  client.seed(nodes, node('a', 1), node('b', 2));
  await until('both have the CNI configuration', () =>
    ['a', 'b'].every((name) => existsSync(join(folder, `${name}.conflist`))),
  );
  await until('both have a route to the other', () =>
    [a, b].every((one) => one.run('ip route show proto 66').includes('10.244.')),
  );
  t.same(gateways.toSorted(), ['10.244.1.1', '10.244.2.1']);
  const podA = addPod('pod-a', a, 'a');
  const podB = addPod('pod-b', b, 'b');
  await Promise.all([serve(podB, 'pod-b'), serve(b, 'b'), serve(outsider, 'outsider'), serve(podA, 'pod-a')]);

  t.equal(ask(podA, '10.244.2.2'), 'pod-b 10.244.1.2', 'pod to pod, no address changed');
  t.equal(ask(podA, '192.168.7.2'), 'b 10.244.1.2', 'pod to the other node, no address changed');
  t.equal(ask(podA, '192.168.7.9'), 'outsider 192.168.7.1', 'pod to the world, by the node');
  t.equal(ask(b, '10.244.1.2'), 'pod-a 192.168.7.2', 'node to a pod of the other node');

  board('far', far);
  client.seed(nodes, node('far', 4, '172.16.0.4'));
  await until('nodes on two networks get a tunnel', () =>
    [a, far].every((one) => one.run('ip route show proto 66').includes('dev bramble-vx onlink')),
  );
  await until('the far node has its CNI configuration', () => existsSync(join(folder, 'far.conflist')));
  const podFar = addPod('pod-far', far, 'far');
  await serve(podFar, 'pod-far');
  t.equal(ask(podA, '10.244.4.2'), 'pod-far 10.244.1.2', 'pod to pod through the tunnel, no address changed');
  t.equal(ask(podFar, '10.244.2.2'), 'pod-b 10.244.4.2', 'and from there to the other node');

  client.seed(nodes, node('c', 3));
  await until('a new node gets a route', () =>
    a.run('ip route show proto 66').includes('10.244.3.0/24 via 192.168.7.3'),
  );
  await client.delete(nodes, { namespace: '', name: 'c' });
  await until('one that is gone has none', () => !a.run('ip route show proto 66').includes('10.244.3.0/24'));
  await client.delete(nodes, { namespace: '', name: 'far' });
  await until('without such nodes there is no tunnel', () => !a.run('ip link show').includes('bramble-vx'));
});
