import { GrpcChannel } from '../../host/grpc/grpc-channel.ts';
import { GrpcError } from '../../host/grpc/grpc-error.ts';
import { grpcMethod } from '../../host/grpc/grpc-method.ts';
import { field, message } from '../../host/protobuf.ts';

/** grpc.health.v1: what a gRPC probe asks (KEP-2727; grpc.io, "GRPC Health Checking Protocol"). */

interface HealthCheckRequest {
  readonly service: string;
}

interface HealthCheckResponse {
  readonly status: number;
}

const CHECK = grpcMethod(
  '/grpc.health.v1.Health/Check',
  message<HealthCheckRequest>('HealthCheckRequest', { service: field(1, 'string') }),
  message<HealthCheckResponse>('HealthCheckResponse', { status: field(1, 'int32') }),
);

const STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const SERVING = 1;

/** Undefined when the service is SERVING; else upstream's words for why it is not. */
export async function checkGrpcHealth(
  target: { readonly host: string; readonly port: number; readonly service: string; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { host, port, service, timeoutMs } = target;
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const channel = new GrpcChannel({ url: `http://${address}`, connectTimeoutMs: timeoutMs });
  try {
    const { status } = await channel.unary(CHECK, { service }, { timeoutMs, signal });
    if (status === SERVING) return undefined;
    return `service unhealthy (responded with "${STATUS[status] ?? status}")`;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GrpcError)) return `error: health rpc probe failed: ${String(error)}`;
    if (error.code === 'UNIMPLEMENTED')
      return `this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.message}`;
    if (error.code === 'DEADLINE_EXCEEDED') return `timeout: health rpc did not complete within ${timeoutMs / 1000}s`;
    if (error.code === 'UNAVAILABLE')
      return `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: ${error.message}`;
    return `error: health rpc probe failed: ${error.message}`;
  } finally {
    channel.close();
  }
}
