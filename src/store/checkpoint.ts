import { field, message, repeated } from '../host/protobuf.ts';
import { alarmMember } from './etcd-api/maintenance.ts';
import type { AlarmMember } from './etcd-api/maintenance.ts';
import { keyBytes, keyOf } from './mvcc/key-history.ts';
import type { Version } from './mvcc/key-history.ts';
import { valueBytes } from './mvcc/value-heap.ts';
import { memberInfo } from './member-info.ts';
import type { MemberInfo } from './member-info.ts';
import type { StoredSession } from './session-window.ts';
import type { StateMachine } from './state-machine.ts';

interface StoredLease {
  readonly id: bigint;
  readonly ttlSeconds: number;
}

interface StoredWrite {
  readonly key: Buffer;
  readonly main: number;
  readonly sub: number;
  readonly create: number;
  readonly version: number;
  readonly lease: bigint;
  readonly value: Buffer;
}

interface Chunk {
  readonly revision: number;
  readonly compactRevision: number;
  readonly leases: readonly StoredLease[];
  readonly alarms: readonly AlarmMember[];
  readonly writes: readonly StoredWrite[];
  readonly members: readonly MemberInfo[];
  readonly sessions: readonly StoredSession[];
}

const storedLease = message<StoredLease>('StoredLease', { id: field(1, 'bigint64'), ttlSeconds: field(2, 'int64') });
const storedWrite = message<StoredWrite>('StoredWrite', {
  key: field(1, 'bytes'),
  main: field(2, 'int64'),
  sub: field(3, 'int64'),
  create: field(4, 'int64'),
  version: field(5, 'int64'),
  lease: field(6, 'bigint64'),
  value: field(7, 'bytes'),
});
const storedSession = message<StoredSession>('StoredSession', {
  session: field(1, 'uint64'),
  floor: field(2, 'uint64'),
  ids: repeated(3, 'uint64'),
});
const chunkType = message<Chunk>('Chunk', {
  revision: field(1, 'int64'),
  compactRevision: field(2, 'int64'),
  leases: repeated(3, storedLease),
  alarms: repeated(4, alarmMember),
  writes: repeated(5, storedWrite),
  members: repeated(6, memberInfo),
  sessions: repeated(7, storedSession),
});

/** Bytes of keys and values in one chunk, as near as whole writes allow. */
const CHUNK_BYTES = 512 << 10;
/** In front of each chunk, big-endian. */
export const LENGTH_BYTES = 4;

/**
 * The whole state as a stream of chunks, each with its length in front. They show the state as it is
 * at the call: values are views into memory that is never written again, so it may change while they are made. May be iterated more than once.
 */
export function encodeCheckpoint(state: StateMachine): Iterable<Buffer> {
  const versions: Version[] = [];
  state.store.visitAll((version) => versions.push(version));
  const values = versions.map(({ value }) => value);
  const leases = [...state.leases.all()].map(({ id, ttlSeconds }) => ({ id, ttlSeconds }));
  const { revision, compactRevision } = state.store;
  const members = [...state.members.values()];
  const sessions = state.sessions.store();
  const first = { revision, compactRevision, leases, alarms: state.alarms, members, sessions };
  return { [Symbol.iterator]: () => chunks(first, versions, values) };
}

function* chunks(
  first: Partial<Chunk>,
  versions: readonly Version[],
  values: readonly Version['value'][],
): Generator<Buffer> {
  yield framed(first);
  let writes: StoredWrite[] = [];
  let bytes = 0;
  for (const [i, { history, main, sub, create, version, lease }] of versions.entries()) {
    const value = values[i];
    if (value === undefined) continue;
    writes.push({ key: keyBytes(history.key), main, sub, create, version, lease, value: valueBytes(value) });
    bytes += history.key.length + value.length + LENGTH_BYTES;
    if (bytes < CHUNK_BYTES) continue;
    yield framed({ writes });
    writes = [];
    bytes = 0;
  }
  if (writes.length > 0) yield framed({ writes });
}

function framed(chunk: Partial<Chunk>): Buffer {
  const bytes = chunkType.encode(chunk, LENGTH_BYTES);
  bytes.writeUInt32BE(bytes.length - LENGTH_BYTES, 0);
  return bytes;
}

/** Puts a checkpoint's state in place of what `state` holds, chunk by chunk: between them it is of no use to anybody. */
export class CheckpointRestore {
  readonly #state: StateMachine;
  #isBegun = false;

  constructor(state: StateMachine) {
    this.#state = state;
  }

  /** Takes in the next chunk, without its length. @throws ProtobufError */
  add(bytes: Buffer): void {
    const chunk = chunkType.decode(bytes);
    if (!this.#isBegun) this.#begin(chunk);
    const { store } = this.#state;
    for (const write of chunk.writes) store.restoreVersion({ ...write, key: keyOf(write.key) });
  }

  /** To be called after the last chunk. @throws RangeError when there was none */
  finish(): void {
    if (!this.#isBegun) throw new RangeError('the checkpoint is empty');
    this.#state.store.endRestore();
    attachKeys(this.#state);
  }

  #begin({ revision, compactRevision, alarms, sessions, members, leases }: Chunk): void {
    const state = this.#state;
    this.#isBegun = true;
    state.store.beginRestore(revision, compactRevision);
    state.alarms = [...alarms];
    state.sessions.restore(sessions);
    state.members.clear();
    for (const member of members) state.members.set(member.id, member);
    state.leases.clear();
    for (const { id, ttlSeconds } of leases) state.leases.grant(id, ttlSeconds);
  }
}

/** Restores from chunks with their lengths, as `encodeCheckpoint` gave them. @throws ProtobufError, RangeError */
export function restoreCheckpoint(state: StateMachine, chunks: Iterable<Buffer>): void {
  const restore = new CheckpointRestore(state);
  for (const chunk of chunks) {
    if (chunk.length < LENGTH_BYTES || chunk.readUInt32BE(0) !== chunk.length - LENGTH_BYTES)
      throw new RangeError('the checkpoint is cut');
    restore.add(chunk.subarray(LENGTH_BYTES));
  }
  restore.finish();
}

/** Which keys hang on which lease follows from the last write of each. */
function attachKeys({ store, leases }: StateMachine): void {
  store.visit({ key: '', end: null }, 0, ({ history, lease }) => leases.move(history.key, 0n, lease));
}
