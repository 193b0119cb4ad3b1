import { keyValue } from '../etcd-api/key-value.ts';
import { EtcdError } from '../etcd-api/etcd-error.ts';
import { crc32c } from './crc32c.ts';
import { isTombstone, keyBytes, visibleAt } from './key-history.ts';
import type { Version } from './key-history.ts';
import type { MvccStore } from './mvcc-store.ts';
import { toKeyValue } from './key-value-of.ts';

/** A hash over history, with the revisions it covers. */
export interface KvHash {
  readonly hash: number;
  readonly compactRevision: number;
  readonly hashRevision: number;
}

/**
 * CRC-32C over every kept write up to `revision` (0: all), in the bytes and order that etcd's backend holds them
 * (server/storage/mvcc/hash.go), so that the numbers of our members and etcd's agree.
 *
 * @throws EtcdError Compacted, FutureRevision
 */
export function hashKv(store: MvccStore, revision: number): KvHash {
  const { compactRevision } = store;
  if (revision > 0 && revision <= compactRevision) throw new EtcdError('Compacted');
  if (revision > store.revision) throw new EtcdError('FutureRevision');
  const hashRevision = revision === 0 ? store.revision : revision;
  const versions: Version[] = [];
  store.visitAll((version) => {
    if (version.main > hashRevision) return;
    // How much of what compaction leaves is there yet differs from member to member: only what is visible counts.
    if (version.main <= compactRevision && visibleAt(version.history, hashRevision) !== version) return;
    versions.push(version);
  });
  versions.sort((a, b) => a.main - b.main || a.sub - b.sub);
  let hash = crc32c(Buffer.from('key'));
  for (const version of versions) {
    hash = crc32c(revisionBytes(version), hash);
    hash = crc32c(
      keyValue.encode(isTombstone(version) ? { key: keyBytes(version.history.key) } : toKeyValue(version)),
      hash,
    );
  }
  return { hash, compactRevision, hashRevision };
}

/** A write's key in etcd's backend: main, `_`, sub, and `t` for a deletion. */
function revisionBytes(version: Version): Buffer {
  const bytes = Buffer.alloc(isTombstone(version) ? 18 : 17);
  bytes.writeBigUInt64BE(BigInt(version.main), 0);
  bytes[8] = 0x5f;
  bytes.writeBigUInt64BE(BigInt(version.sub), 9);
  if (isTombstone(version)) bytes[17] = 0x74;
  return bytes;
}
