import { randomBytes } from 'node:crypto';
import { serveBidi, serveUnary } from '../../host/grpc/grpc-service.ts';
import type { ServedMethod } from '../../host/grpc/grpc-service.ts';
import type { Backend } from '../backend.ts';
import { isEtcdReason } from '../etcd-api/etcd-error.ts';
import { LEASE } from '../etcd-api/lease.ts';
import { keyBytes } from '../mvcc/key-history.ts';
import { answerHeader, answering } from './answer-header.ts';

/** Shorter leases could end between two renewals of a healthy client (etcd: election ticks * tick, in seconds). */
const TTL_SECONDS_MIN = 1;

/** The methods of etcdserverpb.Lease. */
export function leaseService(backend: Backend): ServedMethod[] {
  return [
    serveUnary(LEASE.grant, (request) =>
      answering(async () => {
        const id = request.id !== 0n ? request.id : randomLeaseId();
        const ttl = Math.max(request.ttl, TTL_SECONDS_MIN);
        await backend.propose({ leaseGrant: { id, ttl } });
        return { header: answerHeader(backend), id, ttl };
      }),
    ),
    serveUnary(LEASE.revoke, (request) =>
      answering(async () => {
        await backend.propose({ leaseRevoke: request });
        return { header: answerHeader(backend) };
      }),
    ),
    serveBidi(LEASE.keepAlive, (requests, responses) =>
      answering(async () => {
        for await (const { id } of requests) {
          const header = answerHeader(backend); // before the renewal: a later revision must not seem to follow it
          await responses.send({ header, id, ttl: await orIfGone(backend.renewLease(id), 0) });
        }
      }),
    ),
    serveUnary(LEASE.timeToLive, ({ id, keys }) =>
      answering(async () => {
        const remainingMs = await orIfGone(backend.leaseRemainingMs(id), -1);
        const lease = backend.state.leases.get(id);
        const header = answerHeader(backend);
        if (remainingMs < 0 || lease === undefined) return { header, id, ttl: -1 };
        const names = keys ? [...lease.keys].sort().map(keyBytes) : [];
        return { header, id, ttl: Math.floor(remainingMs / 1000), grantedTtl: lease.ttlSeconds, keys: names };
      }),
    ),
    serveUnary(LEASE.leases, () =>
      answering(async () => {
        await backend.readBarrier();
        const leases = [...backend.state.leases.all()].map(({ id }) => ({ id }));
        return { header: answerHeader(backend), leases };
      }),
    ),
  ];
}

/** A positive int64, as etcd's are. */
function randomLeaseId(): bigint {
  return (randomBytes(8).readBigUInt64BE() >> 1n) | 1n;
}

function orIfGone(answer: Promise<number>, otherwise: number): Promise<number> {
  return answer.catch((error: unknown) => {
    if (isEtcdReason(error, 'LeaseNotFound')) return otherwise;
    throw error;
  });
}
