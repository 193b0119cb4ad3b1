import t from 'tap';
import { createFakeNft, type FakeNft } from '../fake/nft.ts';
import { FragmentTable } from '../../src/nft/fragment-table.ts';
import { drop, goto } from '../../src/nft/statement.ts';
import type { Fragment, Table } from '../../src/nft/table.ts';

const BASE: Table = {
  family: 'ip',
  name: 'bramble-test',
  chains: new Map([['services', { rules: [] }]]),
  sets: new Map([['ips', { type: ['ipv4_addr'], isVerdictMap: true }]]),
  elements: new Map(),
};
const { signal } = new AbortController();

/** A chain of so many rules, and an address that leads to it. */
function fragment(chain: string, address: string, rules = 1): Fragment {
  return {
    chains: new Map([[chain, { rules: Array.from({ length: rules }, () => ({ statements: [drop] })) }]]),
    sets: new Map(),
    elements: new Map([['ips', new Map([[address, goto(chain)]])]]),
  };
}

async function open(): Promise<{
  table: FragmentTable;
  nft: FakeNft;
  sync: () => Promise<number>;
  ips: () => Promise<object>;
}> {
  const table = new FragmentTable(BASE);
  const nft = createFakeNft();
  table.set('a', fragment('chain-a', '10.96.0.1'));
  await nft.apply(table.replacement(), signal);
  return {
    table,
    nft,
    sync: async () => {
      const commands = table.changes();
      await nft.apply(commands, signal);
      return commands.length;
    },
    ips: async () => Object.fromEntries((await nft.list(BASE, signal))?.elements.get('ips') ?? []),
  };
}

void t.test('FragmentTable sends nothing when the same fragment is set again', async (t) => {
  const { table, sync } = await open();
  table.set('a', fragment('chain-a', '10.96.0.1'));
  t.equal(await sync(), 0);
});

void t.test('FragmentTable sends only the chain whose rules changed', async (t) => {
  const { table, sync, nft } = await open();
  table.set('b', fragment('chain-b', '10.96.0.2'));
  await sync();
  table.set('b', fragment('chain-b', '10.96.0.2', 2));
  t.equal(await sync(), 3, 'a flush and two rules');
  t.equal(nft.rules(BASE, 'chain-b').length, 2);
});

void t.test('FragmentTable empties what goes at once and deletes it one transaction later', async (t) => {
  const { table, sync, nft, ips } = await open();
  table.set('a', undefined);
  t.equal(await sync(), 2, 'a flush, and the element');
  t.same(await ips(), {});
  t.ok(table.hasStale);
  t.equal(await sync(), 1);
  t.same([...((await nft.list(BASE, signal))?.chains.keys() ?? [])], ['services']);
  t.notOk(table.isChanged);
});

void t.test('FragmentTable takes a chain back that was about to be deleted', async (t) => {
  const { table, sync, nft, ips } = await open();
  table.set('a', undefined);
  await sync();
  table.set('a', fragment('chain-a', '10.96.0.1'));
  await sync();
  t.equal(nft.rules(BASE, 'chain-a').length, 1);
  t.same(await ips(), { '10.96.0.1': goto('chain-a') });
  t.equal(await sync(), 0, 'nothing is left to delete');
});

void t.test(
  'FragmentTable gives an element with two claims to the first owner by name, then to the other',
  async (t) => {
    const { table, sync, ips } = await open();
    table.set('0', fragment('chain-0', '10.96.0.1'));
    await sync();
    t.same(await ips(), { '10.96.0.1': goto('chain-0') });
    table.set('0', undefined);
    await sync();
    t.same(await ips(), { '10.96.0.1': goto('chain-a') });
  },
);

void t.test('FragmentTable writes all of it again after a failure', async (t) => {
  const { table, nft, ips } = await open();
  nft.flushRuleset();
  table.set('b', fragment('chain-b', '10.96.0.2'));
  await t.rejects(nft.apply(table.changes(), signal));
  await nft.apply(table.replacement(), signal);
  t.same(await ips(), { '10.96.0.1': goto('chain-a'), '10.96.0.2': goto('chain-b') });
});

// Any order of changes ends where writing everything at once ends.
void t.test('FragmentTable by changes reaches the same table as by replacement', async (t) => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  const { table, nft, sync } = await open();
  for (let step = 0; step < 300; step += 1) {
    const owner = `s${random(5)}`;
    const next = fragment(`chain-${owner}-${random(2)}`, `10.96.0.${random(6)}`, 1 + random(2));
    table.set(owner, random(3) === 0 ? undefined : next);
    if (random(2) === 0) await sync();
  }
  await sync();
  await sync();
  const byChanges = await nft.list(BASE, signal);
  await nft.apply(table.replacement(), signal);
  const byReplacement = await nft.list(BASE, signal);
  t.same(sorted(byChanges?.chains), sorted(byReplacement?.chains));
  t.same(sorted(byChanges?.elements.get('ips')), sorted(byReplacement?.elements.get('ips')));
});

function sorted<T>(map: ReadonlyMap<string, T> | undefined): [string, T][] {
  return [...(map ?? [])].toSorted(([a], [b]) => a.localeCompare(b));
}
