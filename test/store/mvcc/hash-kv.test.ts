import t from 'tap';
import { hashKv } from '../../../src/store/mvcc/hash-kv.ts';
import { StateMachine } from '../../../src/store/state-machine.ts';

// The numbers are those of etcd 3.4.23 (Debian 12) after the same calls on an empty store.
void t.test('hashKv() gives what etcd gives, with leases, deletions and compaction', (t) => {
  const state = new StateMachine();
  const put = (key: string, value: string, lease = 0n) =>
    state.apply({
      put: {
        key: Buffer.from(key),
        value: Buffer.from(value),
        lease,
        prevKv: false,
        ignoreValue: false,
        ignoreLease: false,
      },
    });
  state.apply({ leaseGrant: { id: 77n, ttl: 600 } });
  for (let i = 0; i < 20; i += 1) put(`k${i % 5}`, `v${i}`, i % 3 === 0 ? 77n : 0n);
  state.apply({ deleteRange: { key: Buffer.from('k1'), rangeEnd: Buffer.from('k3'), prevKv: false } });
  t.equal(hashKv(state.store, 0).hash, 3837153915);
  t.equal(hashKv(state.store, 10).hash, 2500635355);
  state.apply({ compact: { revision: 12, physical: false } });
  t.same(hashKv(state.store, 0), { hash: 285163414, compactRevision: 12, hashRevision: 22 });
  put('k1', 'again');
  t.equal(hashKv(state.store, 0).hash, 686214235);
  t.end();
});
