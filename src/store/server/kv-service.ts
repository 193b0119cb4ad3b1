import { serveServerStream, serveUnary } from '../../host/grpc/grpc-service.ts';
import type { ServedMethod } from '../../host/grpc/grpc-service.ts';
import { GrpcError } from '../../host/grpc/grpc-error.ts';
import type { Backend } from '../backend.ts';
import { EtcdError } from '../etcd-api/etcd-error.ts';
import { KV, SORT_ORDER } from '../etcd-api/kv.ts';
import type { RangeRequest, RangeResponse, RequestOp, TxnRequest, TxnResponse } from '../etcd-api/kv.ts';
import { checkDeleteRequest, checkPutRequest, checkRangeRequest, checkTxnRequest } from '../mvcc/check-request.ts';
import { executeRange, executeTxn } from '../mvcc/execute.ts';
import { answerHeader, answering, requireLeader } from './answer-header.ts';

/** The methods of etcdserverpb.KV. */
export function kvService(backend: Backend): ServedMethod[] {
  const stamp = <T extends { readonly header: { readonly revision: number } }>(answer: T): T => ({
    ...answer,
    header: answerHeader(backend, answer.header.revision),
  });
  const range = async (request: RangeRequest): Promise<RangeResponse> => {
    checkRangeRequest(request);
    if (!request.serializable) {
      if (backend.status.isLearner) throw new EtcdError('NotSupportedForLearner');
      await backend.readBarrier();
    }
    return stamp(executeRange(backend.state, request));
  };
  return [
    serveUnary(KV.range, (request, call) =>
      answering(() => {
        requireLeader(backend, call.headers);
        return range(request);
      }),
    ),
    serveServerStream(KV.rangeStream, async (request, responses) => {
      refuseUnstreamable(request);
      const answer = await answering(() => range(request));
      for (const piece of pieces(answer)) await responses.send({ rangeResponse: piece });
    }),
    serveUnary(KV.put, (request) =>
      answering(async () => {
        checkPutRequest(request);
        return stamp(expect((await backend.propose({ put: request })).put));
      }),
    ),
    serveUnary(KV.deleteRange, (request) =>
      answering(async () => {
        checkDeleteRequest(request);
        return stamp(expect((await backend.propose({ deleteRange: request })).deleteRange));
      }),
    ),
    serveUnary(KV.txn, (request) =>
      answering(async () => {
        checkTxnRequest(request);
        return stamp(await runTxn(backend, request));
      }),
    ),
    serveUnary(KV.compact, (request) =>
      answering(async () => {
        await backend.propose({ compact: request });
        return { header: answerHeader(backend) };
      }),
    ),
  ];
}

/** A transaction that only reads needs no entry in the log. */
async function runTxn(backend: Backend, request: TxnRequest): Promise<TxnResponse> {
  const ops = [...request.success, ...request.failure];
  if (!ops.every(isRead)) return expect((await backend.propose({ txn: request })).txn);
  if (!ops.every(({ requestRange }) => requestRange?.serializable === true)) await backend.readBarrier();
  return executeTxn(backend.state, request);
}

function isRead({ requestRange }: RequestOp): boolean {
  return requestRange !== undefined;
}

function expect<T>(answer: T | undefined): T {
  if (answer === undefined) throw new Error('the change was applied without an answer of its kind');
  return answer;
}

/** What etcd does not stream either (server/etcdserver/api/v3rpc/key.go). */
function refuseUnstreamable(request: RangeRequest): void {
  const isPlain =
    request.sortOrder === SORT_ORDER.none &&
    request.sortTarget === 0 &&
    request.minModRevision === 0 &&
    request.maxModRevision === 0 &&
    request.minCreateRevision === 0 &&
    request.maxCreateRevision === 0;
  if (!isPlain) throw new GrpcError('UNIMPLEMENTED', 'etcdserver: range stream supports neither sorting nor filters');
}

const PIECE_BYTES_MAX = 1 << 20;

/** Cuts an answer up; only the last piece has header, count and more. */
function* pieces(answer: RangeResponse): Generator<RangeResponse> {
  const bare = { ...answer, header: { clusterId: 0n, memberId: 0n, revision: 0, raftTerm: 0 }, count: 0, more: false };
  let from = 0;
  let bytes = 0;
  for (const [i, { key, value }] of answer.kvs.entries()) {
    bytes += key.length + value.length;
    if (bytes < PIECE_BYTES_MAX) continue;
    yield { ...bare, kvs: answer.kvs.slice(from, i + 1) };
    from = i + 1;
    bytes = 0;
  }
  yield { ...answer, kvs: answer.kvs.slice(from) };
}
