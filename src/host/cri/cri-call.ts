import { StatusError } from '../../api/status.ts';
import type { Reason } from '../../api/status.ts';
import { GrpcError } from '../grpc/grpc-error.ts';
import type { GrpcCode } from '../grpc/grpc-error.ts';
import type { GrpcChannel } from '../grpc/grpc-channel.ts';
import { grpcMethod } from '../grpc/grpc-method.ts';
import type { MessageType } from '../protobuf.ts';

/** How calls to the container runtime are made and how their failures read. */

/** The label by which the kubelet knows the pod of a sandbox or container (kubelet types/labels.go). */
export const POD_UID_LABEL = 'io.kubernetes.pod.uid';

/** Two minutes, upstream's runtimeRequestTimeout: an SD card may be slow, but not for ever. */
export const RUNTIME_TIMEOUT_MS = 120_000;

/** One call of the RuntimeService or ImageService. */
export interface CriMethod<Req, Res> {
  readonly name: string;
  readonly request: MessageType<Req>;
  readonly response: MessageType<Res>;
}

/** Calls the runtime. @throws StatusError as Runtime says; an abort rejects with the signal's reason */
export async function callCri<Req, Res>(
  channel: GrpcChannel,
  method: CriMethod<Req, Res>,
  request: Partial<Req>,
  signal: AbortSignal,
  timeoutMs = RUNTIME_TIMEOUT_MS,
): Promise<Res> {
  const path = grpcMethod(`/runtime.v1.${method.name}`, method.request, method.response);
  try {
    return await channel.unary(path, request, { signal, ...(timeoutMs === 0 ? {} : { timeoutMs }) });
  } catch (error) {
    throw criError(error);
  }
}

const REASONS: Partial<Record<GrpcCode, Reason>> = {
  NOT_FOUND: 'NotFound',
  ALREADY_EXISTS: 'AlreadyExists',
  DEADLINE_EXCEEDED: 'Timeout',
  UNAVAILABLE: 'ServiceUnavailable',
  UNIMPLEMENTED: 'MethodNotAllowed',
  INVALID_ARGUMENT: 'BadRequest',
};

/** A failed call as StatusError with the text that Go clients show; anything else unchanged. */
export function criError(error: unknown): unknown {
  if (!(error instanceof GrpcError)) return error;
  const name = error.code
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
  const message = `rpc error: code = ${name} desc = ${error.message}`;
  // containerd answers UNKNOWN where a name is still reserved by a sandbox of before a pulled plug.
  const isReserved = error.code === 'UNKNOWN' && /failed to reserve (sandbox|container) name/.test(error.message);
  const reason = isReserved ? 'AlreadyExists' : (REASONS[error.code] ?? 'InternalError');
  return new StatusError(reason, message, { cause: error });
}
