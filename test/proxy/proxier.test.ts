import t from 'tap';
import type { EndpointSlice, Service } from '../../src/api/objects.ts';
import type { Conntrack, Flow } from '../../src/host/conntrack.ts';
import { silentLog } from '../../src/host/log.ts';
import { healthAnswer } from '../../src/proxy/health-server.ts';
import { Proxier } from '../../src/proxy/proxier.ts';
import type { ServiceHealth } from '../../src/proxy/service-health.ts';
import { ProxyMetrics } from '../../src/proxy/proxy-metrics.ts';
import { createFakeClock, settle, type FakeClock } from '../fake/clock.ts';
import { createFakeNft, type FakeNft } from '../fake/nft.ts';
import { service, slice } from './world.ts';

const TABLE = { family: 'ip', name: 'bramble' } as const;

/** A proxier over a kernel in memory. */
class World {
  readonly nft: FakeNft = createFakeNft();
  readonly clock: FakeClock = createFakeClock();
  readonly metrics = new ProxyMetrics();
  readonly forgotten: Flow[] = [];
  flows: Flow[] = [];
  readonly health = new Map<string, ServiceHealth | undefined>();
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, EndpointSlice>();
  readonly #stop = new AbortController();
  readonly #proxier: Proxier;
  readonly #running: Promise<void>;

  constructor() {
    const conntrack: Conntrack = {
      udpFlows: async () => this.flows,
      delete: async (flow) => void this.forgotten.push(flow),
    };
    this.#proxier = new Proxier({
      context: { family: 'ip', nodeName: 'n1', clusterCidr: '10.244.0.0/16' },
      nodeAddresses: ['192.168.7.1'],
      services: { get: (_, name) => this.#services.get(name), list: () => [], byIndex: () => [] },
      nft: this.nft,
      conntrack,
      metrics: this.metrics,
      health: { set: (key, health) => void this.health.set(key, health) },
      log: silentLog,
      clock: this.clock,
    });
    this.#running = this.#proxier.run(this.#stop.signal);
  }

  put(next: Service, endpoints: EndpointSlice): void {
    const name = next.metadata?.name ?? '';
    const before = this.#services.get(name);
    const sliceBefore = this.#slices.get(name);
    this.#services.set(name, next);
    this.#slices.set(name, endpoints);
    this.#proxier.onService(before, next);
    this.#proxier.onSlice(sliceBefore, endpoints);
  }

  async addresses(): Promise<string[]> {
    const { signal } = this.#stop;
    return [...((await this.nft.list(TABLE, signal))?.elements.get('service-ips')?.keys() ?? [])];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

async function open(t: { teardown: (act: () => Promise<void>) => unknown }): Promise<World> {
  const world = new World();
  t.teardown(() => world.stop());
  await settle();
  await world.clock.advance(100);
  return world;
}

const web = service('web', { clusterIP: '10.96.0.10' });
const api = service('api', { clusterIP: '10.96.0.11' });

void t.test('Proxier batches: the first change at once, the next ones together', async (t) => {
  const world = await open(t);
  const before = world.nft.transactions.length;
  world.put(web, slice('web', ['10.244.1.1']));
  await settle();
  t.equal(world.nft.transactions.length, before + 1);
  world.put(api, slice('api', ['10.244.1.2']));
  world.put(web, slice('web', ['10.244.1.1', '10.244.1.3']));
  await settle();
  t.equal(world.nft.transactions.length, before + 1, 'not within 100 ms');
  await world.clock.advance(100);
  t.equal(world.nft.transactions.length, before + 2);
  t.same((await world.addresses()).toSorted(), ['10.96.0.10 . tcp . 80', '10.96.0.11 . tcp . 80']);
});

void t.test('Proxier sends as much for one Service of many as for one of few', async (t) => {
  const world = await open(t);
  const many = Array.from({ length: 500 }, (_, index) =>
    service(`s${index}`, { clusterIP: `10.97.${index >> 8}.${index & 255}` }),
  );
  for (const one of many) world.put(one, slice(one.metadata?.name ?? '', ['10.244.1.1']));
  await settle();
  await world.clock.advance(1000);
  world.put(web, slice('web', ['10.244.1.1']));
  await settle();
  t.ok((world.nft.transactions.at(-1)?.length ?? 99) < 10, `${world.nft.transactions.at(-1)?.length} commands`);
});

void t.test('Proxier writes the whole table again when a transaction fails, and when someone flushed it', async (t) => {
  const world = await open(t);
  world.put(web, slice('web', ['10.244.1.1']));
  await settle();
  await world.clock.advance(100);
  world.nft.flushRuleset();
  world.put(api, slice('api', ['10.244.1.2']));
  await settle();
  t.same(await world.addresses(), [], 'the change alone could not be applied');
  await world.clock.advance(500);
  t.same((await world.addresses()).toSorted(), ['10.96.0.10 . tcp . 80', '10.96.0.11 . tcp . 80']);
});

void t.test('Proxier forgets UDP flows to an endpoint that is gone, once the rules have changed', async (t) => {
  const world = await open(t);
  const dns = service('dns', { clusterIP: '10.96.0.12' }, { protocol: 'UDP' });
  world.put(dns, slice('dns', ['10.244.1.1', '10.244.1.2'], 'UDP'));
  await settle();
  await world.clock.advance(100);
  const base = { source: '10.244.1.9', sourcePort: 4000, destination: '10.96.0.12', destinationPort: 80 };
  world.flows = [
    { ...base, replySource: '10.244.1.1' },
    { ...base, replySource: '10.244.1.2' },
  ];
  world.put(dns, slice('dns', ['10.244.1.2'], 'UDP'));
  await settle();
  t.same(world.forgotten, [world.flows[0]]);
});

// kube-proxy's /healthz: not before the first sync, and not with a change that waits for too long.
void t.test('healthAnswer() follows the syncs, and says no on a node that leaves', async (t) => {
  const clock = createFakeClock();
  const metrics = new ProxyMetrics();
  const at = (path: '/healthz' | '/livez', taints: string[] = []): number =>
    healthAnswer(
      {
        metrics,
        clock,
        node: () => ({
          apiVersion: 'v1',
          kind: 'Node',
          spec: { taints: taints.map((key) => ({ key, effect: 'NoSchedule' })) },
        }),
      },
      path,
    ).status;
  t.equal(at('/healthz'), 503, 'before the first sync');
  metrics.synced(clock.nowMs(), 1, 1);
  t.equal(at('/healthz'), 200);
  t.equal(at('/healthz', ['ToBeDeletedByClusterAutoscaler']), 503);
  t.equal(at('/livez', ['ToBeDeletedByClusterAutoscaler']), 200);
  metrics.pending(clock.nowMs());
  await clock.advance(59_000);
  t.equal(at('/livez'), 200);
  await clock.advance(2000);
  t.equal(at('/livez'), 503, 'a change has been waiting for a minute');
  metrics.synced(clock.nowMs(), 1, 1);
  t.equal(at('/livez'), 200);
});

void t.test('Proxier tells of the health check port of a Service that keeps to local endpoints', async (t) => {
  const world = await open(t);
  const spec = { clusterIP: '10.96.0.12', healthCheckNodePort: 31_234 };
  const places = ['10.244.1.5', { address: '10.244.2.5', node: 'n2' }];
  world.put(service('lb', { ...spec, externalTrafficPolicy: 'Local' }), slice('lb', places));
  await settle();
  const health = { namespace: 'default', name: 'lb', port: 31_234, localEndpoints: 1 };
  t.same(world.health.get('default/lb'), health);
  world.put(service('lb', { ...spec, externalTrafficPolicy: 'Cluster' }), slice('lb', places));
  await world.clock.advance(100);
  t.equal(world.health.get('default/lb'), undefined);
});
