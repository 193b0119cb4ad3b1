import { GrpcError } from '../../host/grpc/grpc-error.ts';
import type { GrpcCode } from '../../host/grpc/grpc-error.ts';

/**
 * etcd's failures: gRPC code and exact text. The text is the API: clients
 * know the failure by it (etcd api/v3rpc/rpctypes/error.go).
 */
const FAILURES = {
  EmptyKey: ['INVALID_ARGUMENT', 'etcdserver: key is not provided'],
  KeyNotFound: ['INVALID_ARGUMENT', 'etcdserver: key not found'],
  ValueProvided: ['INVALID_ARGUMENT', 'etcdserver: value is provided'],
  LeaseProvided: ['INVALID_ARGUMENT', 'etcdserver: lease is provided'],
  TooManyOps: ['INVALID_ARGUMENT', 'etcdserver: too many operations in txn request'],
  DuplicateKey: ['INVALID_ARGUMENT', 'etcdserver: duplicate key given in txn request'],
  InvalidSortOption: ['INVALID_ARGUMENT', 'etcdserver: invalid sort option'],
  Compacted: ['OUT_OF_RANGE', 'etcdserver: mvcc: required revision has been compacted'],
  FutureRevision: ['OUT_OF_RANGE', 'etcdserver: mvcc: required revision is a future revision'],
  NoSpace: ['RESOURCE_EXHAUSTED', 'etcdserver: mvcc: database space exceeded'],
  LeaseNotFound: ['NOT_FOUND', 'etcdserver: requested lease not found'],
  LeaseExist: ['FAILED_PRECONDITION', 'etcdserver: lease already exists'],
  LeaseTtlTooLarge: ['OUT_OF_RANGE', 'etcdserver: too large lease TTL'],
  MemberExist: ['FAILED_PRECONDITION', 'etcdserver: member ID already exist'],
  PeerUrlExist: ['FAILED_PRECONDITION', 'etcdserver: Peer URLs already exists'],
  MemberNotEnoughStarted: [
    'FAILED_PRECONDITION',
    'etcdserver: re-configuration failed due to not enough started members',
  ],
  MemberBadUrls: ['INVALID_ARGUMENT', 'etcdserver: given member URLs are invalid'],
  MemberNotFound: ['NOT_FOUND', 'etcdserver: member not found'],
  MemberNotLearner: ['FAILED_PRECONDITION', 'etcdserver: can only promote a learner member'],
  LearnerNotReady: [
    'FAILED_PRECONDITION',
    'etcdserver: can only promote a learner member which is in sync with leader',
  ],
  TooManyLearners: ['FAILED_PRECONDITION', 'etcdserver: too many learner members in cluster'],
  ClusterIdMismatch: ['FAILED_PRECONDITION', 'etcdserver: cluster ID mismatch'],
  RequestTooLarge: ['INVALID_ARGUMENT', 'etcdserver: request is too large'],
  TooManyRequests: ['RESOURCE_EXHAUSTED', 'etcdserver: too many requests'],
  AuthNotEnabled: ['FAILED_PRECONDITION', 'etcdserver: authentication is not enabled'],
  NoLeader: ['UNAVAILABLE', 'etcdserver: no leader'],
  NotLeader: ['FAILED_PRECONDITION', 'etcdserver: not leader'],
  LeaderChanged: ['UNAVAILABLE', 'etcdserver: leader changed'],
  NotCapable: ['FAILED_PRECONDITION', 'etcdserver: not capable'],
  Stopped: ['UNAVAILABLE', 'etcdserver: server stopped'],
  Timeout: ['UNAVAILABLE', 'etcdserver: request timed out'],
  TimeoutLeaderFail: ['UNAVAILABLE', 'etcdserver: request timed out, possibly due to previous leader failure'],
  TimeoutConnectionLost: ['UNAVAILABLE', 'etcdserver: request timed out, possibly due to connection lost'],
  Unhealthy: ['UNAVAILABLE', 'etcdserver: unhealthy cluster'],
  Corrupt: ['DATA_LOSS', 'etcdserver: corrupt cluster'],
  NotSupportedForLearner: ['FAILED_PRECONDITION', 'etcdserver: rpc not supported for learner'],
  BadLeaderTransferee: ['FAILED_PRECONDITION', 'etcdserver: bad leader transferee'],
  NoInflightDowngrade: ['FAILED_PRECONDITION', 'etcdserver: no inflight downgrade job'],
  InvalidDowngradeTarget: ['INVALID_ARGUMENT', 'etcdserver: invalid downgrade target version'],
} as const satisfies Record<string, readonly [GrpcCode, string]>;

/** The name of one of etcd's failures. */
export type EtcdReason = keyof typeof FAILURES;

const REASONS = new Map<string, EtcdReason>(
  (Object.keys(FAILURES) as EtcdReason[]).map((reason) => [FAILURES[reason][1], reason]),
);

/** A failure that etcd's API defines, with its exact text. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  readonly reason: EtcdReason;
  /** Of `Compacted` on a watch: the revision from which on there is history; else 0. */
  readonly compactRevision: number;

  constructor(reason: EtcdReason, options: ErrorOptions & { compactRevision?: number } = {}) {
    super(FAILURES[reason][1], options);
    this.reason = reason;
    this.compactRevision = options.compactRevision ?? 0;
  }

  /** As it goes over the wire. */
  toGrpcError(): GrpcError {
    return new GrpcError(FAILURES[this.reason][0], this.message, { cause: this });
  }
}

/** True when `error` is that failure of etcd's. */
export function isEtcdReason(error: unknown, reason: EtcdReason): error is EtcdError {
  return error instanceof EtcdError && error.reason === reason;
}

/** What a server's error means: an EtcdError where the text is one of etcd's, else as it is. */
export function fromGrpcError(error: unknown): unknown {
  if (!(error instanceof GrpcError)) return error;
  const reason = REASONS.get(error.message);
  return reason === undefined ? error : new EtcdError(reason, { cause: error });
}
