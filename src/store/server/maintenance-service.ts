import { createHash } from 'node:crypto';
import { serveServerStream, serveUnary } from '../../host/grpc/grpc-service.ts';
import type { ServedMethod } from '../../host/grpc/grpc-service.ts';
import type { Backend } from '../backend.ts';
import { EtcdError } from '../etcd-api/etcd-error.ts';
import { ALARM_ACTION, ALARM_TYPE, MAINTENANCE } from '../etcd-api/maintenance.ts';
import { hashKv } from '../mvcc/hash-kv.ts';
import { etcdDatabase } from '../bolt/etcd-database.ts';
import { answerHeader, answering } from './answer-header.ts';
import { STORE_VERSION } from './store-version.ts';

/** The methods of etcdserverpb.Maintenance. */
export function maintenanceService(backend: Backend, quotaBytes: number): ServedMethod[] {
  return [
    serveUnary(MAINTENANCE.status, () => statusOf(backend, quotaBytes)),
    serveUnary(MAINTENANCE.alarm, (request) =>
      answering(async () => {
        if (request.action === ALARM_ACTION.get) await backend.readBarrier();
        const applied =
          request.action === ALARM_ACTION.get
            ? backend.state.apply({ alarm: request }) // GET changes nothing: it may be answered from here
            : await backend.propose({ alarm: request });
        return { header: answerHeader(backend), alarms: applied.alarms ?? [] };
      }),
    ),
    // Space is given back as segments are recycled: there is nothing to defragment.
    serveUnary(MAINTENANCE.defragment, () => ({ header: answerHeader(backend) })),
    serveUnary(MAINTENANCE.hash, () =>
      answering(async () => ({ header: answerHeader(backend), hash: hashKv(backend.state.store, 0).hash })),
    ),
    serveUnary(MAINTENANCE.hashKv, ({ revision }) =>
      answering(async () => ({ header: answerHeader(backend), ...hashKv(backend.state.store, revision) })),
    ),
    serveServerStream(MAINTENANCE.snapshot, async (_request, responses) => {
      const sha = createHash('sha256');
      const database = etcdDatabase(backend.state);
      let remainingBytes = database.bytes + SHA256_BYTES;
      const send = async (blob: Buffer): Promise<void> => {
        remainingBytes -= blob.length;
        await responses.send({ header: answerHeader(backend), blob, remainingBytes, version: STORE_VERSION });
      };
      for (const blob of gathered(database.pages(), SNAPSHOT_CHUNK_BYTES)) {
        sha.update(blob);
        await send(blob);
      }
      await send(sha.digest());
    }),
    serveUnary(MAINTENANCE.moveLeader, ({ targetId }) =>
      answering(async () => {
        await backend.moveLeader(targetId);
        return { header: answerHeader(backend) };
      }),
    ),
    serveUnary(MAINTENANCE.downgrade, ({ action }) =>
      answering(async () => {
        throw new EtcdError(action === DOWNGRADE_CANCEL ? 'NoInflightDowngrade' : 'InvalidDowngradeTarget');
      }),
    ),
  ];
}

const SHA256_BYTES = 32;
/** A page alone would cost more in frames than in bytes. */
const SNAPSHOT_CHUNK_BYTES = 64 << 10;

/** The same bytes in pieces of about this size. */
function* gathered(pages: Iterable<Buffer>, chunkBytes: number): Generator<Buffer, void> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for (const page of pages) {
    waiting.push(page);
    bytes += page.length;
    if (bytes < chunkBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}
const DOWNGRADE_CANCEL = 2;

function statusOf(backend: Backend, quotaBytes: number) {
  const { status, state } = backend;
  const alarms = state.alarms.map(({ memberId, alarm }) => `memberID:${memberId} alarm:${alarmName(alarm)} `);
  return {
    header: answerHeader(backend),
    version: STORE_VERSION,
    storageVersion: '3.6.0',
    dbSize: state.store.bytes,
    dbSizeInUse: state.store.bytes,
    dbSizeQuota: quotaBytes,
    leader: status.leader,
    raftIndex: status.index,
    raftTerm: status.term,
    raftAppliedIndex: status.appliedIndex,
    isLearner: status.isLearner,
    errors: status.leader === 0n ? [new EtcdError('NoLeader').message, ...alarms] : alarms,
    downgradeInfo: { enabled: false, targetVersion: '' },
  };
}

function alarmName(alarm: number): string {
  return alarm === ALARM_TYPE.noSpace ? 'NOSPACE' : 'CORRUPT';
}
