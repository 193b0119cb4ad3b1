import { serveServerStream, serveUnary } from '../../host/grpc/grpc-service.ts';
import type { ServedMethod } from '../../host/grpc/grpc-service.ts';
import { grpcMethod } from '../../host/grpc/grpc-method.ts';
import { field, message } from '../../host/protobuf.ts';
import type { Backend } from '../backend.ts';

interface HealthCheckRequest {
  readonly service: string;
}

interface HealthCheckResponse {
  readonly status: number;
}

const request = message<HealthCheckRequest>('HealthCheckRequest', { service: field(1, 'string') });
const response = message<HealthCheckResponse>('HealthCheckResponse', { status: field(1, 'int32') });

/** The service grpc.health.v1.Health (grpc/grpc doc/health-checking.md). */
const HEALTH = {
  check: grpcMethod('/grpc.health.v1.Health/Check', request, response),
  watch: grpcMethod('/grpc.health.v1.Health/Watch', request, response),
};

const SERVING = 1;
const NOT_SERVING = 2;

/** Serving while a leader is known. */
export function healthService(backend: Backend): ServedMethod[] {
  const now = () => (backend.status.leader === 0n ? NOT_SERVING : SERVING);
  return [
    serveUnary(HEALTH.check, () => ({ status: now() })),
    serveServerStream(HEALTH.watch, async (_request, responses, call) => {
      let told = 0;
      let wake: () => void = () => undefined;
      const unsubscribe = backend.onProgress(() => wake());
      call.signal.addEventListener('abort', () => wake(), { once: true });
      while (!call.signal.aborted) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (told !== now()) {
          told = now();
          await responses.send({ status: told });
        }
        await woken;
      }
      unsubscribe();
    }),
  ];
}
