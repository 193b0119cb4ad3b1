/** Failures as the Kubernetes API says them: meta/v1 Status. */

/** HTTP code of each reason (apimachinery meta/v1 StatusReason). */
const CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  ServerTimeout: 500,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  Unknown: 500,
} as const;

export type Reason = keyof typeof CODES;

/** One cause inside Status.details: which field, and what is wrong with it. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

interface StatusErrorOptions extends ErrorOptions {
  readonly details?: StatusDetails;
  /** HTTP code where it is not the reason's usual one. */
  readonly code?: number;
}

/** A failure the caller can act on; on the wire, a Kubernetes meta/v1 Status. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly reason: Reason;
  readonly code: number;
  readonly details: StatusDetails | undefined;

  constructor(reason: Reason, message: string, options?: StatusErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.code = options?.code ?? CODES[reason];
    this.details = options?.details;
  }

  toJSON(): object {
    const { reason, message, code, details } = this;
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === 'Unknown' ? {} : { reason }), // upstream's StatusReasonUnknown is the empty string
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

/** Whether `error` is a StatusError of this reason. */
export function isReason(error: unknown, reason: Reason): boolean {
  return error instanceof StatusError && error.reason === reason;
}

/** For `.catch()`: takes StatusErrors of these reasons for done, as a delete of what is gone. @throws every other error */
export function ignoring(...reasons: readonly Reason[]): (error: unknown) => void {
  return (error) => {
    if (!reasons.some((reason) => isReason(error, reason))) throw error;
  };
}

/** The reason for an HTTP code, where a response carried no Status of its own. */
export function reasonOfCode(code: number): Reason {
  for (const [reason, own] of Object.entries(CODES)) if (own === code && isKnownReason(reason)) return reason;
  return code === 422 ? 'Invalid' : 'Unknown';
}

/** Reads a StatusError back from a Status on the wire. Unknown reasons become that of the code. */
export function statusErrorFrom(body: unknown, httpCode: number): StatusError {
  if (typeof body !== 'object' || body === null || !('kind' in body) || body.kind !== 'Status')
    return new StatusError(reasonOfCode(httpCode), `the server answered ${httpCode}`, { code: httpCode });
  const status = body as { reason?: string; message?: string; code?: number; details?: StatusDetails };
  const reason = isKnownReason(status.reason) ? status.reason : reasonOfCode(status.code ?? httpCode);
  return new StatusError(reason, status.message ?? '', {
    code: status.code ?? httpCode,
    ...(status.details === undefined ? {} : { details: status.details }),
  });
}

function isKnownReason(reason: string | undefined): reason is Reason {
  return reason !== undefined && Object.hasOwn(CODES, reason);
}

/** `pods "web" not found`. @param resource plural with group, as `deployments.apps` */
export function notFound(resource: string, name: string): StatusError {
  return new StatusError('NotFound', `${resource} "${name}" not found`, { details: resourceDetails(resource, name) });
}

/** `pods "web" already exists`. */
export function alreadyExists(resource: string, name: string): StatusError {
  return new StatusError('AlreadyExists', `${resource} "${name}" already exists`, {
    details: resourceDetails(resource, name),
  });
}

/** `Operation cannot be fulfilled on pods "web": <why>`: optimistic concurrency, preconditions. */
export function conflict(resource: string, name: string, why: string): StatusError {
  return new StatusError('Conflict', `Operation cannot be fulfilled on ${resource} "${name}": ${why}`, {
    details: resourceDetails(resource, name),
  });
}

/** `pods "web" is forbidden: <why>`. */
export function forbidden(resource: string, name: string, why: string): StatusError {
  const message = name === '' ? `${resource} is forbidden: ${why}` : `${resource} "${name}" is forbidden: ${why}`;
  return new StatusError('Forbidden', message, { details: resourceDetails(resource, name) });
}

/** 400: the request itself cannot be understood. */
export function badRequest(message: string): StatusError {
  return new StatusError('BadRequest', message);
}

/** 410: a resourceVersion or continue token older than the last compaction. */
export function expired(message: string): StatusError {
  return new StatusError('Expired', message);
}

function resourceDetails(resource: string, name: string): StatusDetails {
  const dot = resource.indexOf('.');
  if (dot < 0) return { name, kind: resource };
  return { name, group: resource.slice(dot + 1), kind: resource.slice(0, dot) };
}
