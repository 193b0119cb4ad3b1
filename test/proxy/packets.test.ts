import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { on, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import type { EndpointSlice, Service } from '../../src/api/objects.ts';
import { createConntrack } from '../../src/host/conntrack.ts';
import { silentLog } from '../../src/host/log.ts';
import { createNft, type Nft } from '../../src/host/nft.ts';
import type { Command } from '../../src/nft/command.ts';
import { systemClock } from '../../src/host/clock.ts';
import { ProxyMetrics } from '../../src/proxy/proxy-metrics.ts';
import { Proxier } from '../../src/proxy/proxier.ts';
import { canMakeNamespaces, NetworkNamespace } from '../fake/network-namespace.ts';
import { service, slice } from './world.ts';

/*
 * Real packets: client 192.168.7.2 -- node 192.168.7.1, 10.244.1.1 -- pods 10.244.1.11 (one), 10.244.1.12 (two).
 */
const ECHO = fileURLToPath(new URL('../fake/echo.ts', import.meta.url));
const PODS = { one: '10.244.1.11', two: '10.244.1.12' } as const;
const both = Object.values(PODS);

interface Asking {
  stop(): void;
  /** The first of the names that an answer comes from, after this call. */
  untilFrom(names: readonly string[]): Promise<string>;
}

class World {
  readonly client = new NetworkNamespace(`bpx${process.pid}-client`);
  readonly node = new NetworkNamespace(`bpx${process.pid}-node`);
  readonly one = new NetworkNamespace(`bpx${process.pid}-one`);
  readonly two = new NetworkNamespace(`bpx${process.pid}-two`);
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, EndpointSlice>();
  readonly #servers: ChildProcess[] = [];
  readonly #stop = new AbortController();
  readonly #proxier: Proxier;
  #running: Promise<void> | undefined;
  /** Whether a transaction has been applied that was begun after the last change. */
  #isIdle = true;
  #change = 0;

  constructor() {
    const nft = createNft(this.node.prefix);
    this.#proxier = new Proxier({
      context: { family: 'ip', nodeName: 'n1', clusterCidr: '10.244.0.0/16' },
      nodeAddresses: ['192.168.7.1'],
      services: {
        get: (_, name) => this.#services.get(name),
        list: () => [...this.#services.values()],
        byIndex: () => [],
      },
      nft: { ...nft, apply: (commands, signal) => this.#apply(nft, commands, signal) },
      conntrack: createConntrack(this.node.prefix),
      metrics: new ProxyMetrics(),
      log: silentLog,
      clock: systemClock,
    });
  }

  async start(): Promise<void> {
    this.node.run('sysctl -qw net.ipv4.ip_forward=1');
    this.node.run('ip link add cni0 type bridge');
    this.node.run('ip address add 10.244.1.1/24 dev cni0');
    this.node.run('ip link set cni0 up');
    this.node.run('sysctl -qw net.bridge.bridge-nf-call-iptables=1');
    this.node.connect({ device: 'eth0', address: '192.168.7.1/24' }, this.client, {
      device: 'eth0',
      address: '192.168.7.2/24',
    });
    this.client.run('ip route add default via 192.168.7.1');
    this.node.run('ip route add default via 192.168.7.2');
    for (const name of ['one', 'two'] as const) {
      this.node.connect({ device: `veth-${name}` }, this[name], { device: 'eth0', address: `${PODS[name]}/24` });
      this.node.run(`ip link set veth-${name} master cni0`);
      this.node.run(`ip link set veth-${name} type bridge_slave hairpin on`);
      this[name].run('ip route add default via 10.244.1.1');
      await this.#serve(name);
    }
    this.#running = this.#proxier.run(this.#stop.signal);
  }

  async #apply(nft: Nft, commands: readonly Command[], signal: AbortSignal): Promise<void> {
    const change = this.#change;
    await nft.apply(commands, signal);
    this.#isIdle = change === this.#change;
  }

  async #serve(name: 'one' | 'two'): Promise<void> {
    const [program, ...args] = [...this[name].prefix, process.execPath, ECHO, 'serve', name, '8080'];
    const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#servers.push(server);
    await once(server.stdout, 'data');
  }

  /** Puts a Service and its endpoints in, and waits until the kernel has them. */
  async put(next: Service, endpoints: EndpointSlice): Promise<void> {
    const name = next.metadata?.name ?? '';
    const before = this.#services.get(name);
    const sliceBefore = this.#slices.get(name);
    this.#services.set(name, next);
    this.#slices.set(name, endpoints);
    this.#isIdle = false;
    this.#change += 1;
    this.#proxier.onService(before, next);
    this.#proxier.onSlice(sliceBefore, endpoints);
    while (!this.#isIdle) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async ask(
    from: NetworkNamespace,
    transport: 'tcp' | 'udp',
    address: string,
    port: number,
    times = 1,
  ): Promise<string[]> {
    const [program, ...args] = [
      ...from.prefix,
      process.execPath,
      ECHO,
      'ask',
      transport,
      address,
      String(port),
      String(times),
    ];
    const { stdout } = await promisify(execFile)(program, args);
    return stdout.trim().split('\n');
  }

  /** Asks again and again from one socket. */
  askOn(from: NetworkNamespace, transport: 'udp', address: string, port: number): Asking {
    const [program, ...args] = [
      ...from.prefix,
      process.execPath,
      ECHO,
      'ask',
      transport,
      address,
      String(port),
      '1000000',
    ];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#servers.push(child);
    return {
      stop: () => void child.kill('SIGKILL'),
      async untilFrom(names) {
        for await (const [chunk] of on(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) }))
          for (const name of names) if (String(chunk).includes(`${name} `)) return name;
        return 'nobody';
      },
    };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const server of this.#servers) server.kill('SIGKILL');
    for (const namespace of [this.client, this.node, this.one, this.two]) namespace.delete();
  }
}

const skip = canMakeNamespaces() ? false : 'needs root, ip and nft';
void t.test('packets through the kernel', { skip, timeout: 60_000 }, async (t) => {
  const world = new World();
  t.teardown(() => world.stop());
  await world.start();
  const { client, node, one } = world;
  const namesIn = (answers: readonly string[]): string[] =>
    [...new Set(answers.map((text) => text.split(' ')[0] ?? ''))].toSorted();

  await t.test('a ClusterIP reaches every endpoint by TCP, from outside, from the node and from a pod', async (t) => {
    await world.put(service('web', { clusterIP: '10.96.0.10' }), slice('web', both));
    t.same(namesIn(await world.ask(client, 'tcp', '10.96.0.10', 80, 30)), ['one', 'two']);
    t.same(namesIn(await world.ask(node, 'tcp', '10.96.0.10', 80, 30)), ['one', 'two']);
    t.same(namesIn(await world.ask(one, 'tcp', '10.96.0.10', 80, 30)), ['one', 'two'], 'itself among them');
  });

  await t.test("a pod is seen with its own address behind a ClusterIP, an outsider with the node's", async (t) => {
    await world.put(service('two', { clusterIP: '10.96.0.11' }), slice('two', [PODS.two]));
    t.same(await world.ask(one, 'tcp', '10.96.0.11', 80), [`two ${PODS.one}`]);
    t.same(await world.ask(client, 'tcp', '10.96.0.11', 80), ['two 10.244.1.1']);
  });

  await t.test(
    "a NodePort is open on the node's address, also for the node itself, and never on loopback",
    async (t) => {
      await world.put(
        service('np', { clusterIP: '10.96.0.12', type: 'NodePort' }, { nodePort: 30012 }),
        slice('np', both),
      );
      t.same(namesIn(await world.ask(client, 'tcp', '192.168.7.1', 30012, 30)), ['one', 'two']);
      t.same(namesIn(await world.ask(node, 'tcp', '192.168.7.1', 30012, 30)), ['one', 'two']);
      t.same(await world.ask(node, 'tcp', '127.0.0.1', 30012), ['ECONNREFUSED']);
    },
  );

  await t.test('UDP goes through ClusterIP and NodePort, and moves on when its endpoint is gone', async (t) => {
    const udp = service('udp', { clusterIP: '10.96.0.13', type: 'NodePort' }, { nodePort: 30013, protocol: 'UDP' });
    await world.put(udp, slice('udp', [PODS.one], 'UDP'));
    t.same(await world.ask(client, 'udp', '192.168.7.1', 30013), ['one 10.244.1.1']);
    const asking = world.askOn(one, 'udp', '10.96.0.13', 80);
    t.equal(await asking.untilFrom(['one', 'two']), 'one');
    await world.put(udp, slice('udp', [PODS.two], 'UDP'));
    t.equal(await asking.untilFrom(['two']), 'two', 'one flow of one socket, whose entry in conntrack was taken out');
    asking.stop();
  });

  await t.test('session affinity keeps a client at its endpoint, until that is gone', async (t) => {
    const sticky = service('sticky', { clusterIP: '10.96.0.14', sessionAffinity: 'ClientIP' });
    await world.put(sticky, slice('sticky', both));
    const [first = ''] = namesIn(await world.ask(client, 'tcp', '10.96.0.14', 80, 30));
    t.same(namesIn(await world.ask(client, 'tcp', '10.96.0.14', 80, 30)), [first]);
    const other = first === 'one' ? 'two' : 'one';
    await world.put(sticky, slice('sticky', [PODS[other]]));
    t.same(namesIn(await world.ask(client, 'tcp', '10.96.0.14', 80, 5)), [other]);
    await world.put(sticky, slice('sticky', both));
    t.same(namesIn(await world.ask(client, 'tcp', '10.96.0.14', 80, 30)), [other], 'and stays there');
  });

  await t.test('a Service without endpoints and an unknown port of a ClusterIP refuse at once', async (t) => {
    await world.put(
      service('empty', { clusterIP: '10.96.0.15', type: 'NodePort' }, { nodePort: 30015 }),
      slice('empty', []),
    );
    for (const from of [client, node, one]) t.same(await world.ask(from, 'tcp', '10.96.0.15', 80), ['ECONNREFUSED']);
    t.same(await world.ask(client, 'tcp', '192.168.7.1', 30015), ['ECONNREFUSED']);
    t.same(await world.ask(client, 'tcp', '10.96.0.10', 81), ['ECONNREFUSED']);
    await world.put(service('empty', { clusterIP: '10.96.0.15' }), slice('empty', [PODS.one]));
    t.same(await world.ask(one, 'tcp', '10.96.0.15', 80), ['one 10.244.1.1'], 'a hairpin, once it has an endpoint');
    t.same(await world.ask(client, 'tcp', '192.168.7.1', 30015), ['ECONNREFUSED'], 'the NodePort is gone');
  });

  await t.test(
    "externalTrafficPolicy Local keeps the client's address, and drops where there is no endpoint",
    async (t) => {
      const local = service(
        'local',
        { clusterIP: '10.96.0.16', type: 'NodePort', externalTrafficPolicy: 'Local' },
        { nodePort: 30016 },
      );
      await world.put(local, slice('local', [PODS.one, { address: PODS.two, node: 'n2' }]));
      t.same(namesIn(await world.ask(client, 'tcp', '192.168.7.1', 30016, 20)), ['one']);
      t.same(await world.ask(client, 'tcp', '192.168.7.1', 30016), ['one 192.168.7.2']);
      t.same(namesIn(await world.ask(one, 'tcp', '192.168.7.1', 30016, 30)), ['one', 'two'], 'pods are not external');
      t.same(namesIn(await world.ask(node, 'tcp', '192.168.7.1', 30016, 30)), ['one', 'two'], 'nor is the node');
      await world.put(local, slice('local', [{ address: PODS.two, node: 'n2' }]));
      t.same(await world.ask(client, 'tcp', '192.168.7.1', 30016), ['timeout']);
      t.same(namesIn(await world.ask(node, 'tcp', '192.168.7.1', 30016, 3)), ['two']);
    },
  );

  await t.test('internalTrafficPolicy Local stays on the node, and drops where there is no endpoint', async (t) => {
    const local = service('internal', { clusterIP: '10.96.0.17', internalTrafficPolicy: 'Local' });
    await world.put(local, slice('internal', [PODS.one, { address: PODS.two, node: 'n2' }]));
    t.same(namesIn(await world.ask(one, 'tcp', '10.96.0.17', 80, 20)), ['one']);
    await world.put(local, slice('internal', [{ address: PODS.two, node: 'n2' }]));
    t.same(await world.ask(one, 'tcp', '10.96.0.17', 80), ['timeout']);
  });

  await t.test('an endpoint that goes gets nothing new', async (t) => {
    await world.put(service('web', { clusterIP: '10.96.0.10' }), slice('web', [PODS.two]));
    t.same(namesIn(await world.ask(client, 'tcp', '10.96.0.10', 80, 20)), ['two']);
  });
});
