import type { EtcdClient } from '../../src/store/client/etcd-client.ts';
import { isEtcdReason } from '../../src/store/etcd-api/etcd-error.ts';
import type { EtcdReason } from '../../src/store/etcd-api/etcd-error.ts';
import { COMPARE_RESULT, COMPARE_TARGET, SORT_ORDER, SORT_TARGET } from '../../src/store/etcd-api/kv.ts';
import type { Compare, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp } from '../../src/store/etcd-api/kv.ts';
import type { Test } from 'tap';

const NO_BYTES = Buffer.alloc(0);
const FROM_KEY = Buffer.from([0]);

const op = {
  put: (fields: Partial<PutRequest>): RequestOp => ({
    ...NO_OP,
    requestPut: {
      key: NO_BYTES,
      value: NO_BYTES,
      lease: 0n,
      prevKv: false,
      ignoreValue: false,
      ignoreLease: false,
      ...fields,
    },
  }),
  range: (fields: Partial<RangeRequest>): RequestOp => ({ ...NO_OP, requestRange: { ...EMPTY_RANGE, ...fields } }),
  delete: (fields: Partial<DeleteRangeRequest>): RequestOp => ({
    ...NO_OP,
    requestDeleteRange: { key: NO_BYTES, rangeEnd: NO_BYTES, prevKv: false, ...fields },
  }),
};
const NO_OP: RequestOp = {
  requestRange: undefined,
  requestPut: undefined,
  requestDeleteRange: undefined,
  requestTxn: undefined,
};
const EMPTY_RANGE: RangeRequest = {
  key: NO_BYTES,
  rangeEnd: NO_BYTES,
  limit: 0,
  revision: 0,
  sortOrder: 0,
  sortTarget: 0,
  serializable: false,
  keysOnly: false,
  countOnly: false,
  minModRevision: 0,
  maxModRevision: 0,
  minCreateRevision: 0,
  maxCreateRevision: 0,
};

function when(fields: Partial<Compare>): Compare {
  return {
    result: COMPARE_RESULT.equal,
    target: COMPARE_TARGET.mod,
    key: NO_BYTES,
    version: undefined,
    createRevision: undefined,
    modRevision: undefined,
    value: undefined,
    lease: undefined,
    rangeEnd: NO_BYTES,
    ...fields,
  };
}

const b = (text: string): Buffer => Buffer.from(text);
const names = (kvs: readonly { readonly key: Buffer }[]): string[] => kvs.map(({ key }) => key.toString());

/** What every etcd does: run on ours, and on the real one where it is installed. Keys lie under the test's own prefix. */
export function storeContract(t: Test, name: string, open: (t: Test) => Promise<EtcdClient>): void {
  const refuses = async (t: Test, reason: EtcdReason, call: Promise<unknown>): Promise<void> => {
    const error = await call.then(() => undefined).catch((e: unknown) => e);
    t.ok(isEtcdReason(error, reason), `${reason}: ${String(error)}`);
  };

  void t.test(`${name} counts revisions and versions as etcd does`, async (t) => {
    const client = await open(t);
    const key = b('r/a');
    const first = (await client.put({ key, value: b('1') })).header.revision;
    const second = await client.put({ key, value: b('2'), prevKv: true });
    t.equal(second.header.revision, first + 1);
    t.equal(second.prevKv?.value.toString(), '1');
    const now = await client.range({ key });
    t.match(now.kvs[0], { createRevision: first, modRevision: first + 1, version: 2 });
    const then = await client.range({ key, revision: first });
    t.match(then.kvs[0], { value: b('1'), version: 1 });
    t.equal(then.header.revision, first + 1, 'the header tells the present');
    const gone = await client.deleteRange({ key, prevKv: true });
    t.match(gone, { deleted: 1, header: { revision: first + 2 } });
    t.equal((await client.deleteRange({ key })).header.revision, first + 2, 'deleting nothing makes no revision');
    t.equal((await client.range({ key })).count, 0);
    const again = await client.put({ key, value: b('3') });
    t.match((await client.range({ key })).kvs[0], { createRevision: again.header.revision, version: 1 });
    await refuses(t, 'FutureRevision', client.range({ key, revision: again.header.revision + 100 }));
    await refuses(t, 'EmptyKey', client.put({ value: b('x') }));
  });

  void t.test(`${name} lists ranges with limit, count, order and filters`, async (t) => {
    const client = await open(t);
    const revisions: number[] = [];
    for (const key of ['l/c', 'l/a', 'l/b'])
      revisions.push((await client.put({ key: b(key), value: b(key) })).header.revision);
    const range = { key: b('l/'), rangeEnd: b('l0') };
    const limited = await client.range({ ...range, limit: 2 });
    t.same([names(limited.kvs), limited.count, limited.more], [['l/a', 'l/b'], 3, true]);
    t.match(await client.range({ ...range, limit: 3 }), { more: false, count: 3 });
    t.match(await client.range({ ...range, countOnly: true }), { count: 3, kvs: [] });
    const keysOnly = await client.range({ ...range, keysOnly: true });
    t.same([keysOnly.kvs.length, keysOnly.kvs[0]?.value.length], [3, 0]);
    const sort = { sortOrder: SORT_ORDER.descend, sortTarget: SORT_TARGET.mod };
    t.same(names((await client.range({ ...range, ...sort })).kvs), ['l/b', 'l/a', 'l/c']);
    t.same(names((await client.range({ ...range, ...sort, limit: 1 })).kvs), ['l/b']);
    t.same(names((await client.range({ ...range, sortTarget: SORT_TARGET.create })).kvs), ['l/c', 'l/a', 'l/b']);
    const filtered = await client.range({ ...range, minModRevision: revisions[1] ?? 0 });
    t.same([names(filtered.kvs), filtered.count], [['l/a', 'l/b'], 3]);
    t.same(names((await client.range({ key: b('l/b'), rangeEnd: FROM_KEY })).kvs).slice(0, 2), ['l/b', 'l/c']);
  });

  void t.test(
    `${name} does transactions as one revision: compares, both branches, nested, duplicates refused`,
    async (t) => {
      const client = await open(t);
      const key = b('t/a');
      const create = {
        compare: [when({ key, modRevision: 0 })],
        success: [op.put({ key, value: b('1') })],
        failure: [op.range({ key })],
      };
      const made = await client.txn(create);
      t.equal(made.succeeded, true);
      const refused = await client.txn(create);
      t.equal(refused.succeeded, false);
      t.equal(refused.header.revision, made.header.revision);
      t.match(refused.responses[0]?.responseRange?.kvs[0], { modRevision: made.header.revision });
      const both = await client.txn({
        success: [
          op.put({ key: b('t/b'), value: b('2') }),
          op.put({ key: b('t/c') }),
          op.range({ key: b('t/'), rangeEnd: b('t0') }),
        ],
      });
      t.equal(both.header.revision, made.header.revision + 1);
      t.equal(both.responses[2]?.responseRange?.count, 3, 'a read inside sees the writes before it');
      const absent = { target: COMPARE_TARGET.value, value: NO_BYTES, key: b('t/none') };
      t.equal((await client.txn({ compare: [when(absent)] })).succeeded, false, 'no value is not the empty one');
      const every = {
        target: COMPARE_TARGET.version,
        version: 0,
        result: COMPARE_RESULT.greater,
        key: b('t/'),
        rangeEnd: b('t0'),
      };
      t.equal((await client.txn({ compare: [when(every)] })).succeeded, true);
      const nested = { compare: [], success: [op.delete({ key: b('t/b') })], failure: [] };
      const deleted = await client.txn({ success: [{ ...NO_OP, requestTxn: nested }] });
      t.equal(deleted.responses[0]?.responseTxn?.responses[0]?.responseDeleteRange?.deleted, 1);
      await refuses(t, 'DuplicateKey', client.txn({ success: [op.put({ key }), op.put({ key })] }));
      await refuses(
        t,
        'DuplicateKey',
        client.txn({ success: [op.put({ key }), op.delete({ key: b('t/'), rangeEnd: b('t0') })] }),
      );
      await refuses(
        t,
        'TooManyOps',
        client.txn({ success: Array.from({ length: 129 }, (_, i) => op.put({ key: b(`t/${i}`) })) }),
      );
      await refuses(t, 'LeaseNotFound', client.put({ key, lease: 12345n }));
      await refuses(t, 'KeyNotFound', client.put({ key: b('t/none'), ignoreValue: true }));
    },
  );

  void t.test(`${name} compacts history: older reads and watches fail with Compacted`, async (t) => {
    const client = await open(t);
    const key = b('c/a');
    const first = (await client.put({ key, value: b('1') })).header.revision;
    const last = (await client.put({ key, value: b('2') })).header.revision;
    await client.compact(last);
    await refuses(t, 'Compacted', client.range({ key, revision: first }));
    await refuses(t, 'Compacted', client.compact(first));
    await refuses(t, 'FutureRevision', client.compact(last + 100));
    t.match((await client.range({ key, revision: last })).kvs[0], { value: b('2'), version: 2 });
    const watch = await client.watch({ key, startRevision: first });
    const error = await (async () => {
      for await (const update of watch) return update;
      return undefined;
    })().catch((e: unknown) => e);
    t.ok(isEtcdReason(error, 'Compacted'));
    t.equal(isEtcdReason(error, 'Compacted') ? error.compactRevision : 0, last);
  });

  void t.test(`${name} watches: history, then what follows, previous values, whole revisions, progress`, async (t) => {
    const client = await open(t);
    const range = { key: b('w/'), rangeEnd: b('w0') };
    const first = (await client.put({ key: b('w/a'), value: b('1') })).header.revision;
    const watch = await client.watch({ ...range, startRevision: first, prevKv: true });
    t.ok(watch.createdRevision >= first);
    const updates = watch[Symbol.asyncIterator]();
    const next = async () => (await updates.next()).value ?? { revision: 0, events: [] };
    t.equal((await next()).events[0]?.kv?.value.toString(), '1');
    await client.put({ key: b('x/other') });
    const done = await client.txn({ success: [op.put({ key: b('w/a'), value: b('2') }), op.put({ key: b('w/b') })] });
    const both = await next();
    t.same(
      both.events.map(({ kv }) => [kv?.key.toString(), kv?.modRevision]),
      [
        ['w/a', done.header.revision],
        ['w/b', done.header.revision],
      ],
    );
    t.equal(both.events[0]?.prevKv?.value.toString(), '1');
    await client.deleteRange(range);
    const deleted = await next();
    t.same(
      deleted.events.map(({ type, kv, prevKv }) => [
        type,
        kv?.key.toString(),
        kv?.createRevision,
        prevKv?.value.length,
      ]),
      [
        [1, 'w/a', 0, 1],
        [1, 'w/b', 0, 0],
      ],
    );
    const other = (await client.put({ key: b('x/other') })).header.revision;
    await watch.requestProgress();
    const progress = await next();
    t.equal(progress.events.length, 0);
    t.ok(progress.revision >= other, `progress ${progress.revision} of ${other}`);
    watch.cancel();
  });

  void t.test(`${name} grants leases: keys go with them, renewals, lists`, async (t) => {
    const client = await open(t);
    const lease = await client.leaseGrant(60);
    t.ok(lease.id > 0n);
    await client.put({ key: b('e/a'), lease: lease.id });
    await client.put({ key: b('e/b'), lease: lease.id });
    await client.put({ key: b('e/b') });
    t.equal(await client.leaseKeepAlive(lease.id), 60);
    await client.leaseRevoke(lease.id);
    t.same(names((await client.range({ key: b('e/'), rangeEnd: b('e0') })).kvs), ['e/b']);
    t.equal(await client.leaseKeepAlive(lease.id), 0);
    await refuses(t, 'LeaseNotFound', client.leaseRevoke(lease.id));
    const own = await client.leaseGrant(60, 4711n);
    t.equal(own.id, 4711n);
    await refuses(t, 'LeaseExist', client.leaseGrant(60, 4711n));
    await client.leaseRevoke(4711n);
    const short = await client.leaseGrant(1);
    await client.put({ key: b('e/short'), lease: short.id });
    t.equal((await client.range({ key: b('e/short') })).count, 1);
  });

  void t.test(`${name} tells its status and members`, async (t) => {
    const client = await open(t);
    const status = await client.status();
    t.match(status, { version: /^3\.\d+\.\d+$/, isLearner: false });
    t.ok(status.leader > 0n);
    const members = await client.memberList();
    t.ok(members.some(({ id }) => id === status.header.memberId));
  });
}
