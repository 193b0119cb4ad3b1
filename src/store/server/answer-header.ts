import type { Backend } from '../backend.ts';
import { EtcdError } from '../etcd-api/etcd-error.ts';
import type { ResponseHeader } from '../etcd-api/response-header.ts';

/** The header of an answer: who answers, in which term, at the given revision or the present one. */
export function answerHeader({ status, state }: Backend, revision = state.store.revision): ResponseHeader {
  return { clusterId: status.clusterId, memberId: status.memberId, revision, raftTerm: status.term };
}

/** Runs a handler so that etcd's failures leave with etcd's codes. */
export async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof EtcdError ? error.toGrpcError() : error;
  }
}

/** Refuses what asks for a leader while none is known (metadata `hasleader`). @throws EtcdError NoLeader */
export function requireLeader({ status }: Backend, headers: Readonly<Record<string, unknown>>): void {
  if (headers['hasleader'] === 'true' && status.leader === 0n) throw new EtcdError('NoLeader');
}
