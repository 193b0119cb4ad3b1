import { field, message } from '../../host/protobuf.ts';
import type { MessageType } from '../../host/protobuf.ts';

/** In every answer: who answered, and the revision of the store when it did. */
export interface ResponseHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: number;
  readonly raftTerm: number;
}
/** The wire form of `ResponseHeader`. */
export const responseHeader: MessageType<ResponseHeader> = message<ResponseHeader>('ResponseHeader', {
  clusterId: field(1, 'biguint64'),
  memberId: field(2, 'biguint64'),
  revision: field(3, 'int64'),
  raftTerm: field(4, 'uint64'),
});
