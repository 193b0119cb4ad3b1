import t from 'tap';
import { StatusError } from '../../src/api/status.ts';
import type { Lease } from '../../src/api/objects.ts';
import { leases } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import type { NetLinks } from '../../src/host/net-links.ts';
import { runFloatingAddress } from '../../src/network/floating-address.ts';
import { createFakeApiClient, type FakeApiClient } from '../fake/api-client.ts';
import { cutClient } from '../fake/cut-client.ts';
import { createFakeClock, settle, type FakeClock } from '../fake/clock.ts';

const ADDRESS = '192.168.7.100';

/** Boards on one network: who has the address, who announced it last, whose plug is in. */
class Shelf {
  readonly clock: FakeClock = createFakeClock();
  readonly server: FakeApiClient = createFakeApiClient();
  readonly holders = new Set<string>();
  readonly announced: string[] = [];
  readonly #cut = new Set<string>();
  readonly #stops = new Map<string, AbortController>();
  readonly #running = new Map<string, Promise<void>>();

  start(name: string): void {
    const stop = new AbortController();
    this.#stops.set(name, stop);
    const options = {
      client: cutClient(this.server, () => this.#cut.has(name)),
      address: ADDRESS,
      device: 'eth0',
      identity: `${name}_1`,
      log: silentLog,
      clock: this.clock,
      links: this.#linksOf(name),
      openProbe: () => ({
        isServed: async () => [...this.holders].some((holder) => !this.#cut.has(holder)),
        drop: () => undefined,
      }),
    };
    this.#running.set(name, runFloatingAddress(options, stop.signal));
  }

  /** The board's API server cannot write, and nobody reaches the board. */
  cut(name: string): void {
    this.#cut.add(name);
  }

  mend(name: string): void {
    this.#cut.delete(name);
  }

  async stop(name: string): Promise<void> {
    this.#stops.get(name)?.abort();
    await this.#running.get(name);
  }

  /** Lets time go by in small steps, so that what waits for answers gets them. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      await this.clock.advance(50);
      await settle();
    }
  }

  #linksOf(name: string): NetLinks {
    const unused = (): never => {
      throw new Error('not used');
    };
    return {
      links: unused,
      ensureBridge: unused,
      routes: unused,
      putRoute: unused,
      removeRoute: unused,
      setSysctl: unused,
      putAddress: async () => void this.holders.add(name),
      removeAddress: async () => void this.holders.delete(name),
      announce: async () => void this.announced.push(name),
    };
  }
}

async function shelf(t: { teardown: (act: () => Promise<void>) => unknown }, ...names: string[]): Promise<Shelf> {
  const own = new Shelf();
  for (const name of names) {
    own.start(name);
    await own.pass(1000);
  }
  t.teardown(async () => {
    await Promise.all(names.map((name) => own.stop(name)));
  });
  return own;
}

void t.test('runFloatingAddress() gives the address to one board, which announces it again and again', async (t) => {
  const own = await shelf(t, 'c1', 'c2', 'c3');
  t.same([...own.holders], ['c1']);
  const before = own.announced.length;
  const calls = own.server.calls.length;
  await own.pass(60_000);
  t.equal(own.server.calls.length - calls, 30, 'the holder renews every 2 s, the others ask nothing');
  t.same([...own.holders], ['c1'], 'and stays where it is');
  t.ok(own.announced.length >= before + 6, `${own.announced.length - before} announcements in a minute`);
});

void t.test('runFloatingAddress() moves the address within 1.6 s of a pulled plug', async (t) => {
  const own = await shelf(t, 'c1', 'c2', 'c3');
  own.cut('c1');
  await own.pass(1600);
  const [next] = [...own.holders].filter((name) => name !== 'c1');
  t.ok(next, 'somebody else has it');
  t.equal(own.announced.at(-1), next);
  await own.pass(5000);
  t.same([...own.holders], [next], 'the old holder, alive but cut off, has given it up');
  own.mend('c1');
  await own.pass(20_000);
  t.same([...own.holders], [next], 'and does not take it back');
});

void t.test('runFloatingAddress() keeps the address where it is while nobody can write for 3 s', async (t) => {
  const own = await shelf(t, 'c1', 'c2');
  const refuse = (): void => {
    throw new StatusError('Timeout', 'no leader');
  };
  own.server.onCall = refuse;
  await own.pass(3000);
  t.same([...own.holders], ['c1']);
  own.server.onCall = () => undefined;
  await own.pass(3000);
  t.same([...own.holders], ['c1']);
  own.server.onCall = refuse;
  await own.pass(8000);
  t.same([...own.holders], [], 'for longer than that it may not be held');
  own.server.onCall = () => undefined;
  await own.pass(3000);
  t.equal(own.holders.size, 1, 'and somebody has it again afterwards');
});

void t.test('runFloatingAddress() hands the address over at once when it is stopped', async (t) => {
  const own = await shelf(t, 'c1', 'c2');
  await own.stop('c1');
  t.notOk(own.holders.has('c1'));
  await own.pass(700);
  t.same([...own.holders], ['c2']);
});

void t.test('runFloatingAddress() drops an address that a killed process left', async (t) => {
  const own = new Shelf();
  const taken: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'kube-system', name: 'bramble-api-address' },
    spec: { holderIdentity: 'c2_1', leaseDurationSeconds: 8, renewTime: '2026-01-01T00:00:00.000000Z' },
  };
  own.server.seed(leases, taken);
  own.holders.add('c1');
  own.holders.add('c2');
  own.start('c1');
  await own.pass(100);
  t.same([...own.holders], ['c2']);
  await own.stop('c1');
});
