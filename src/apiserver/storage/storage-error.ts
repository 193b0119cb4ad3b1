import { GrpcError } from '../../host/grpc/grpc-error.ts';
import { EtcdError } from '../../store/etcd-api/etcd-error.ts';
import { expired, StatusError } from '../../api/status.ts';

/**
 * Turns a failure of the store into the Status that the API answers with; to be used in catch().
 * A write whose fate nobody knows is a Timeout, never a promise that nothing happened.
 */
export function storageError(during: 'read' | 'write'): (error: unknown) => never {
  return (error) => {
    if (error instanceof EtcdError) throw ofEtcd(error, during);
    if (error instanceof GrpcError) throw ofGrpc(error, during);
    throw error;
  };
}

function ofEtcd(error: EtcdError, during: 'read' | 'write'): StatusError {
  switch (error.reason) {
    case 'Compacted':
      return expired('The resourceVersion for the provided list is too old.');
    case 'FutureRevision':
      return tooLargeResourceVersion(error.message);
    case 'RequestTooLarge':
      return new StatusError('RequestEntityTooLarge', error.message, { cause: error });
    case 'NoLeader':
    case 'LeaderChanged':
    case 'Stopped':
    case 'Unhealthy':
    case 'NotSupportedForLearner':
    case 'TooManyRequests':
      return unavailable(error);
    case 'Timeout':
    case 'TimeoutLeaderFail':
    case 'TimeoutConnectionLost':
      return during === 'read' ? unavailable(error) : timeout(error);
    default:
      return new StatusError('InternalError', `Internal error occurred: ${error.message}`, { cause: error });
  }
}

function ofGrpc(error: GrpcError, during: 'read' | 'write'): StatusError {
  if (error.code !== 'UNAVAILABLE' && error.code !== 'DEADLINE_EXCEEDED' && error.code !== 'RESOURCE_EXHAUSTED')
    return new StatusError('InternalError', `Internal error occurred: ${error.message}`, { cause: error });
  return during === 'read' || error.isUnsent ? unavailable(error) : timeout(error);
}

function unavailable(error: Error): StatusError {
  return new StatusError('ServiceUnavailable', `the store is not available: ${error.message}`, {
    cause: error,
    details: { retryAfterSeconds: 1 },
  });
}

function timeout(error: Error): StatusError {
  return new StatusError('Timeout', `Timeout: request did not complete within the allotted timeout: ${error.message}`, {
    cause: error,
  });
}

/** 504 with the cause by which clients know that they asked for a revision from the future (storage/errors.go). */
export function tooLargeResourceVersion(message: string): StatusError {
  return new StatusError('Timeout', `Timeout: ${message}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}
