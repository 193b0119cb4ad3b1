import type { ServedMethod } from '../../host/grpc/grpc-service.ts';
import type { Backend } from '../backend.ts';
import { EtcdError } from '../etcd-api/etcd-error.ts';
import { KV } from '../etcd-api/kv.ts';
import { MAINTENANCE } from '../etcd-api/maintenance.ts';

/** What a learner answers, as etcd's does (server/etcdserver/api/v3rpc/interceptor.go); of ranges the serializable ones. */
const ALLOWED: ReadonlySet<string> = new Set([
  MAINTENANCE.status.path,
  MAINTENANCE.snapshot.path,
  KV.range.path,
  '/grpc.health.v1.Health/Check',
  '/grpc.health.v1.Health/Watch',
]);

/** The method, refused while this member learns: its clients are to go where there is a vote. */
export function refuseLearner(backend: Backend, method: ServedMethod): ServedMethod {
  if (ALLOWED.has(method.path)) return method;
  return {
    path: method.path,
    serve: (call, messageBytesMax) => {
      if (backend.status.isLearner) call.fail(new EtcdError('NotSupportedForLearner').toGrpcError());
      else method.serve(call, messageBytesMax);
    },
  };
}
