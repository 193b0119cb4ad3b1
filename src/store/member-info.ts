import { createHash, randomBytes } from 'node:crypto';
import { field, message, repeated } from '../host/protobuf.ts';
import type { Member } from './etcd-api/cluster.ts';

/** One member as all members know it; whether it votes stands in the Raft configuration alone. */
export interface MemberInfo {
  readonly id: number;
  /** Empty until the member has run once. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

/** The wire form of `MemberInfo`. */
export const memberInfo = message<MemberInfo>('MemberInfo', {
  id: field(1, 'uint64'),
  name: field(2, 'string'),
  peerUrls: repeated(3, 'string'),
  clientUrls: repeated(4, 'string'),
});

/** A random id that a JavaScript number holds exactly, never 0. */
export function randomId(): number {
  return idOf(randomBytes(16));
}

/** The id of a member that founds the cluster: the same wherever it is computed, from what all founders are told. */
export function foundingId(peerUrl: string, clusterName: string): number {
  return idOf(createHash('sha256').update(`${clusterName}\0${peerUrl}`).digest());
}

/** The cluster's id, from its founders. */
export function clusterIdOf(founders: readonly number[]): number {
  const ids = founders.toSorted((a, b) => a - b);
  return idOf(createHash('sha256').update(ids.join(' ')).digest());
}

/** The member as etcd's API shows it. */
export function toApiMember(info: MemberInfo, isLearner: boolean): Member {
  const { id, name, peerUrls, clientUrls } = info;
  return { id: BigInt(id), name, peerUrls, clientUrls, isLearner };
}

/** 48 bits: far from the ids that Raft reserves at the upper end of the safe integers. */
function idOf(bytes: Buffer): number {
  return bytes.readUIntBE(0, 6) || 1;
}
