/** The status codes of gRPC, by name (grpc/grpc doc/statuscodes.md). */
export const GRPC_CODES = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The name of a gRPC status code. */
export type GrpcCode = keyof typeof GRPC_CODES;

const NAMES = Object.keys(GRPC_CODES) as GrpcCode[];

/** A call that ended with a status other than OK; `message` is the grpc-message as sent. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: GrpcCode;
  /** `grpc-status-details-bin`: an encoded google.rpc.Status, if the peer sent one. */
  readonly details: Buffer | undefined;
  /**
   * True when the call certainly never reached the peer's application (no connection, refused stream): only then may a
   * write be sent again without asking whether it happened.
   */
  readonly isUnsent: boolean;

  constructor(code: GrpcCode, message: string, options: ErrorOptions & { details?: Buffer; isUnsent?: boolean } = {}) {
    super(message, options);
    this.code = code;
    this.details = options.details;
    this.isUnsent = options.isUnsent ?? false;
  }
}

/** True when `error` is a GrpcError of that code. */
export function isGrpcCode(error: unknown, code: GrpcCode): error is GrpcError {
  return error instanceof GrpcError && error.code === code;
}

/** The code of a `grpc-status` value; UNKNOWN for what no gRPC version defines. */
export function grpcCodeOf(status: number): GrpcCode {
  return NAMES[status] ?? 'UNKNOWN';
}

/** What any thrown thing becomes on the wire: unknown failures keep their text under UNKNOWN, as grpc-go does. */
export function toGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  if (error instanceof Error && error.name === 'AbortError') return new GrpcError('CANCELLED', 'context canceled');
  return new GrpcError('UNKNOWN', error instanceof Error ? error.message : String(error), { cause: error });
}

/** Percent-encodes a grpc-message: only what is not printable ASCII, and `%` (gRPC over HTTP/2, "Responses"). */
export function encodeGrpcMessage(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\x20-\x24\x26-\x7e]/gu, (char) =>
      Buffer.from(char).reduce((out, byte) => `${out}%${byte.toString(16).toUpperCase().padStart(2, '0')}`, ''),
    );
}

/** Undoes `encodeGrpcMessage`; text that is no valid encoding stays as it came. */
export function decodeGrpcMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
