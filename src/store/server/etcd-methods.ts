import type { ServedMethod } from '../../host/grpc/grpc-service.ts';
import type { Backend } from '../backend.ts';
import { clusterService } from './cluster-service.ts';
import { healthService } from './health-service.ts';
import { kvService } from './kv-service.ts';
import { leaseService } from './lease-service.ts';
import { maintenanceService } from './maintenance-service.ts';
import { refuseLearner } from './refuse-learner.ts';
import { watchService } from './watch-service.ts';
import type { WatchTimes } from './watch-service.ts';

/** Largest request; etcd's --max-request-bytes. gRPC refuses what is larger by more than its overhead. */
export const REQUEST_BYTES_MAX = 1_572_864;
/** What gRPC may add to a request (etcd server/config: grpcOverheadBytes). */
export const GRPC_OVERHEAD_BYTES = 512 * 1024;

/** Settings of the etcd services. */
export interface EtcdMethodsOptions extends WatchTimes {
  readonly quotaBytes: number;
}

/** Every method of etcd's client port over one backend. */
export function etcdMethods(backend: Backend, options: EtcdMethodsOptions): ServedMethod[] {
  const methods = [
    ...kvService(backend),
    ...watchService(backend, options),
    ...leaseService(backend),
    ...clusterService(backend),
    ...maintenanceService(backend, options.quotaBytes),
    ...healthService(backend),
  ];
  return methods.map((method) => refuseLearner(backend, method));
}
