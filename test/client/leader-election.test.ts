import t from 'tap';
import { StatusError } from '../../src/api/status.ts';
import { runLeaderElection } from '../../src/client/leader-election.ts';
import { leases } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeApiClient, type FakeApiClient } from '../fake/api-client.ts';
import { createFakeClock, settle, type FakeClock } from '../fake/clock.ts';

const lease = { namespace: 'kube-system', name: 'kube-scheduler' };

/** A candidate that notes from when to when it led. */
function candidate(client: FakeApiClient, clock: FakeClock, identity: string, reach: () => boolean = () => true) {
  const stop = new AbortController();
  const spells: string[] = [];
  const own = Object.create(client) as FakeApiClient;
  for (const verb of ['get', 'create', 'update'] as const) {
    Object.assign(own, {
      [verb]: async (...args: never[]) => {
        if (!reach()) throw new StatusError('ServiceUnavailable', 'cut off');
        const { signal } = (args.at(-1) ?? {}) as { signal?: AbortSignal };
        const aborted = new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
        return Promise.race([(client[verb] as (...all: never[]) => Promise<unknown>)(...args), aborted]);
      },
    });
  }
  const running = runLeaderElection(
    { client: own, lease, identity, clock, log: silentLog, random: () => 0 },
    async (signal) => {
      const from = clock.monotonicMs();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      spells.push(`${from}-${clock.monotonicMs()}`);
    },
    stop.signal,
  );
  return { stop, spells, running };
}

void t.test('one candidate leads and renews; a clean stop hands over at once', async (t) => {
  const client = createFakeApiClient();
  const clock = createFakeClock();
  const a = candidate(client, clock, 'a');
  await clock.advance(0);
  const b = candidate(client, clock, 'b');
  await clock.advance(60_000);
  t.same(b.spells, []);
  const held = await client.get(leases, lease.namespace, lease.name);
  t.match(held.spec, { holderIdentity: 'a', leaseDurationSeconds: 8, leaseTransitions: 0, renewTime: /\.\d{6}Z$/ });

  a.stop.abort();
  await a.running;
  t.same(a.spells, ['0-60000']);
  await clock.advance(2000);
  t.equal((await client.get(leases, lease.namespace, lease.name)).spec?.holderIdentity, 'b');
  t.equal((await client.get(leases, lease.namespace, lease.name)).spec?.leaseTransitions, 1);
  b.stop.abort();
  await b.running;
  t.same(b.spells, ['62000-62000']);
});

void t.test('a leader that is cut off stops before another may start', async (t) => {
  const client = createFakeApiClient();
  const clock = createFakeClock();
  let isCut = false;
  const a = candidate(client, clock, 'a', () => !isCut);
  await clock.advance(0);
  const b = candidate(client, clock, 'b');
  await clock.advance(20_000);
  isCut = true;
  await clock.advance(20_000);
  b.stop.abort();
  await b.running;
  const [aEnd] = a.spells.map((spell) => Number(spell.split('-')[1]));
  const [bStart] = b.spells.map((spell) => Number(spell.split('-')[0]));
  t.ok(aEnd !== undefined && aEnd <= 25_000, `a stopped at ${aEnd}`);
  t.ok(bStart !== undefined && bStart >= 28_000 && bStart <= 32_000, `b started at ${bStart}`);
  a.stop.abort();
  await a.running;
});

void t.test('the lease is judged by when it was seen to change, not by the times written in it', async (t) => {
  const client = createFakeApiClient();
  const clock = createFakeClock();
  const long = '1990-01-01T00:00:00.000000Z';
  const spec = { holderIdentity: 'gone', leaseDurationSeconds: 8, renewTime: long, acquireTime: long };
  client.seed(leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: lease, spec });
  const a = candidate(client, clock, 'a');
  await clock.advance(7000);
  t.equal((await client.get(leases, lease.namespace, lease.name)).spec?.holderIdentity, 'gone');
  await clock.advance(2000);
  t.equal((await client.get(leases, lease.namespace, lease.name)).spec?.holderIdentity, 'a');
  a.stop.abort();
  await a.running;
});

void t.test('runLeaderElection() rejects with what lead threw, and releases', async (t) => {
  const client = createFakeApiClient();
  const clock = createFakeClock();
  const running = runLeaderElection(
    { client, lease, identity: 'a', clock, log: silentLog },
    async () => {
      throw new Error('broken part');
    },
    new AbortController().signal,
  );
  await t.rejects(running, { message: 'broken part' });
  await settle();
  t.equal((await client.get(leases, lease.namespace, lease.name)).spec?.holderIdentity, '');
});

void t.test('a renewal that hangs, and one whose answer was lost, do not cost the lead', async (t) => {
  const client = createFakeApiClient();
  const clock = createFakeClock();
  const a = candidate(client, clock, 'a');
  await clock.advance(9000);
  let hanging = 1;
  client.onCall = async ({ verb }) => {
    if (verb !== 'update' || hanging === 0) return;
    hanging -= 1;
    // As a write that takes effect while its client has given up.
    const lease = await client.get(leases, 'kube-system', 'kube-scheduler');
    client.seed(leases, { ...lease, metadata: { ...lease.metadata, resourceVersion: '' } });
    await clock.sleepMs(1_000_000, new AbortController().signal);
  };
  await clock.advance(20_000);
  t.same(a.spells, []);
  t.equal(hanging, 0);
  a.stop.abort();
  await a.running;
  t.same(a.spells, ['0-29000']);
});
