import type { Test } from 'tap';
import { isReason } from '../../src/api/status.ts';
import type { Nft } from '../../src/host/nft.ts';
import { TableCommands } from '../../src/nft/command.ts';
import { destinationAddress, destinationPort, concat, transportProtocol } from '../../src/nft/expression.ts';
import { drop, goto, lookup } from '../../src/nft/statement.ts';
import type { Chain, SetShape } from '../../src/nft/table.ts';

const TABLE = { family: 'ip', name: 'bramble-test' } as const;
const EMPTY: Chain = { rules: [] };
const DROP: Chain = { rules: [{ statements: [drop], comment: 'drops' }] };
const MAP: SetShape = { type: ['ipv4_addr', 'inet_proto', 'inet_service'], isVerdictMap: true };
const LOOKUP: Chain = {
  rules: [{ statements: [lookup(concat(destinationAddress('ip'), transportProtocol, destinationPort), 'services')] }],
};

/** What every Nft does: run on the fake everywhere, on the kernel where there is root and nft. */
export function nftContract(t: Test, name: string, open: () => Nft): void {
  const { signal } = new AbortController();
  const commands = new TableCommands(TABLE);
  const reset = [commands.addTable(), commands.deleteTable(), commands.addTable()];
  const key = '10.96.0.1 . tcp . 443';
  const withService = [
    ...reset,
    commands.addSet('services', MAP),
    commands.addChain('one', EMPTY),
    commands.addChain('two', EMPTY),
    commands.addChain('entry', EMPTY),
    ...commands.addRules('entry', LOOKUP),
    ...commands.addElements('services', new Map([[key, goto('one')]])),
  ];

  void t.test(`${name} lists nothing for a table that is not there`, async (t) => {
    t.equal(await open().list({ family: 'ip', name: 'bramble-absent' }, signal), undefined);
  });

  void t.test(`${name} keeps the old rules when a transaction fails`, async (t) => {
    const nft = open();
    await nft.apply([...reset, commands.addChain('in', EMPTY), ...commands.addRules('in', DROP)], signal);
    const broken = [commands.flushChain('in'), ...commands.addRules('missing', DROP)];
    t.ok(isReason(await nft.apply(broken, signal).catch((reason: unknown) => reason), 'Invalid'));
    t.equal((await nft.list(TABLE, signal))?.chains.get('in'), 1);
  });

  void t.test(`${name} adds what is there already without complaint`, async (t) => {
    const nft = open();
    await nft.apply([...reset, commands.addChain('in', EMPTY), commands.addChain('in', EMPTY)], signal);
    await nft.apply([commands.addTable(), commands.addChain('in', EMPTY)], signal);
    t.same([...((await nft.list(TABLE, signal))?.chains.keys() ?? [])], ['in']);
  });

  void t.test(`${name} lists elements of verdict maps by key`, async (t) => {
    const nft = open();
    await nft.apply(withService, signal);
    t.same([...((await nft.list(TABLE, signal))?.elements.get('services') ?? [])], [[key, goto('one')]]);
  });

  void t.test(
    `${name} refuses an element that is there with another verdict, and replaces it after a delete`,
    async (t) => {
      const nft = open();
      await nft.apply(withService, signal);
      const put = commands.addElements('services', new Map([[key, goto('two')]]));
      t.ok(isReason(await nft.apply(put, signal).catch((reason: unknown) => reason), 'Invalid'));
      await nft.apply([...commands.deleteElements('services', [key]), ...put], signal);
      t.same((await nft.list(TABLE, signal))?.elements.get('services')?.get(key), goto('two'));
    },
  );

  void t.test(`${name} refuses to delete a chain that an element leads to, or a set that a rule names`, async (t) => {
    const nft = open();
    await nft.apply(withService, signal);
    t.ok(
      isReason(await nft.apply([commands.deleteChain('one')], signal).catch((reason: unknown) => reason), 'Invalid'),
    );
    const deleteMap = [commands.deleteSet('services', MAP)];
    t.ok(isReason(await nft.apply(deleteMap, signal).catch((reason: unknown) => reason), 'Invalid'));
    await nft.apply([...commands.deleteElements('services', [key]), commands.deleteChain('one')], signal);
    t.notOk((await nft.list(TABLE, signal))?.chains.has('one'));
  });

  void t.test(`${name} refuses to delete an element that is not there, and a verdict to a missing chain`, async (t) => {
    const nft = open();
    await nft.apply(withService, signal);
    const gone = commands.deleteElements('services', ['10.96.0.2 . tcp . 1']);
    t.ok(isReason(await nft.apply(gone, signal).catch((reason: unknown) => reason), 'Invalid'));
    const nowhere = commands.addElements('services', new Map([['10.96.0.2 . tcp . 1', goto('nowhere')]]));
    t.ok(isReason(await nft.apply(nowhere, signal).catch((reason: unknown) => reason), 'Invalid'));
  });
}
