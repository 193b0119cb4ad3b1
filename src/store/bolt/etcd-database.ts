import { field, message } from '../../host/protobuf.ts';
import { keyValue } from '../etcd-api/key-value.ts';
import { keyBytes, type Version } from '../mvcc/key-history.ts';
import { valueBytes, type ValueRef } from '../mvcc/value-heap.ts';
import type { StateMachine } from '../state-machine.ts';
import { type BoltBucket, type BoltEntry, boltFile, type BoltFile } from './bolt-file.ts';

interface EtcdLease {
  readonly id: bigint;
  readonly ttlSeconds: number;
}

const etcdLease = message<EtcdLease>('Lease', { id: field(1, 'bigint64'), ttlSeconds: field(2, 'int64') });

/** Marks the revision of a deletion (etcd's server/storage/mvcc/revision.go). */
const TOMBSTONE = 't'.charCodeAt(0);

/**
 * The state as etcd's own database, so that `etcdctl snapshot save` makes of ours what etcd's tools read and restore: all
 * revisions since the last compaction, and the leases. Members are left out: who restores says who they are. It shows the
 * state as it is at the call, whatever becomes of it meanwhile.
 */
export function etcdDatabase(state: StateMachine): BoltFile {
  const writes: { readonly version: Version; readonly value: ValueRef }[] = [];
  // A value may be moved later; where it was is not written over.
  state.store.visitAll((version) => writes.push({ version, value: version.value }));
  writes.sort((a, b) => a.version.main - b.version.main || a.version.sub - b.version.sub);
  const leases = [...state.leases.all()].map(({ id, ttlSeconds }) => ({ id, ttlSeconds }));
  leases.sort((a, b) => Number(BigInt.asUintN(64, a.id) > BigInt.asUintN(64, b.id)) * 2 - 1);
  const { compactRevision } = state.store;
  const buckets = new Map<string, () => Iterable<BoltEntry>>([
    ['key', () => keyEntries(writes)],
    ['lease', () => leases.map((lease) => ({ key: leaseKey(lease.id), value: etcdLease.encode(lease) }))],
    ['meta', () => compactionEntries(compactRevision)],
  ]);
  return boltFile(BUCKETS.map((name): BoltBucket => ({ name, entries: buckets.get(name) ?? (() => []) })));
}

/** All that etcd keeps, in order (server/storage/schema/bucket.go). */
const BUCKETS = [
  'alarm',
  'auth',
  'authRoles',
  'authUsers',
  'cluster',
  'key',
  'lease',
  'members',
  'members_removed',
  'meta',
];

function* keyEntries(writes: Iterable<{ readonly version: Version; readonly value: ValueRef }>): Generator<BoltEntry> {
  for (const { version, value } of writes) {
    const { history, main, sub, create, version: count, lease } = version;
    const key = keyBytes(history.key);
    if (create === 0) yield { key: revisionKey(main, sub, true), value: keyValue.encode({ key }) };
    else {
      const row = { key, createRevision: create, modRevision: main, version: count, value: valueBytes(value), lease };
      yield { key: revisionKey(main, sub, false), value: keyValue.encode(row) };
    }
  }
}

function compactionEntries(compactRevision: number): BoltEntry[] {
  if (compactRevision <= 0) return [];
  const value = revisionKey(compactRevision, 0, false);
  return ['finishedCompactRev', 'scheduledCompactRev'].map((name) => ({ key: Buffer.from(name), value }));
}

function revisionKey(main: number, sub: number, isDeletion: boolean): Buffer {
  const bytes = Buffer.alloc(isDeletion ? 18 : 17);
  bytes.writeBigInt64BE(BigInt(main), 0);
  bytes.write('_', 8);
  bytes.writeBigInt64BE(BigInt(sub), 9);
  if (isDeletion) bytes[17] = TOMBSTONE;
  return bytes;
}

function leaseKey(id: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(id, 0);
  return bytes;
}
