import t from 'tap';
import { decodeConfChange, encodeConfChange, LEAVE_JOINT } from '../../src/raft/conf-change.ts';
import type { ConfChange } from '../../src/raft/conf-change.ts';
import { EMPTY } from '../../src/raft/entry.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

// Field numbers of etcd's raftpb/raft.proto, written out by hand.
void t.test('encodeConfChange() writes etcd bytes', (t) => {
  const context = new TextEncoder().encode('c');
  const v1: ConfChange = { transition: 'auto', steps: [{ type: 'addLearner', id: 300 }], context, isV1: true };
  t.same(encodeConfChange(v1).type, 'EntryConfChange');
  t.equal(hex(encodeConfChange(v1).data), '100318ac02220163');
  const v2: ConfChange = {
    transition: 'explicit',
    steps: [
      { type: 'remove', id: 3 },
      { type: 'addVoter', id: 4 },
    ],
    context,
  };
  t.same(encodeConfChange(v2).type, 'EntryConfChangeV2');
  t.equal(hex(encodeConfChange(v2).data), '08021204080110031204080010041a0163');
  t.same(encodeConfChange(LEAVE_JOINT).data, EMPTY);
  t.end();
});

void t.test('decodeConfChange() reads what encodeConfChange() wrote, up to the largest id', (t) => {
  for (const id of [1, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER - 2]) {
    for (const isV1 of [true, false]) {
      const change: ConfChange = { transition: 'auto', steps: [{ type: 'update', id }], context: EMPTY, isV1 };
      t.same(decodeConfChange(encodeConfChange(change))?.steps, change.steps);
    }
  }
  t.equal(decodeConfChange({ type: 'EntryNormal', data: EMPTY }), null);
  t.end();
});

void t.test('decodeConfChange() stops at damaged bytes', (t) => {
  for (const bytes of ['08', '1205', '0d00000000', '08ffffffffffffffffff01']) {
    const data = Uint8Array.from(Buffer.from(bytes, 'hex'));
    t.throws(() => decodeConfChange({ type: 'EntryConfChangeV2', data }), { name: 'InvariantError' }, bytes);
  }
  t.end();
});
