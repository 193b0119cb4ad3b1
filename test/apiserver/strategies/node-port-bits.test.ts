import t from 'tap';
import { Bits } from '../../../src/apiserver/strategies/node-port-bits.ts';

// pkg/registry/core/service/allocator/bitmap.go: big.Int.Bytes(), the highest byte first.
void t.test('Bits keeps the bitmap as kube-apiserver does', (t) => {
  const bits = new Bits('');
  bits.set(0, true);
  bits.set(9, true);
  t.equal(Buffer.from(bits.toBase64(), 'base64').toString('hex'), '0201');
  const again = new Bits(bits.toBase64());
  t.ok(again.has(9));
  again.set(9, false);
  again.set(0, false);
  t.equal(again.toBase64(), '');
  t.end();
});
