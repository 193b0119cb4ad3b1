import t from 'tap';
import { formatAddress, holds, parseAddress, parseCidr } from '../../src/network/cidr.ts';

void t.test('parseCidr() takes prefixes and clears the bits after them, and takes nothing else', (t) => {
  t.same(parseCidr('10.244.1.9/24'), { base: 0x0af40100, prefixLength: 24 });
  t.same(parseCidr('0.0.0.0/0'), { base: 0, prefixLength: 0 });
  t.same(parseCidr('255.255.255.255'), { base: 0xffffffff, prefixLength: 32 });
  for (const text of ['', '10.244.1.0/33', '10.244.1/24', '10.244.1.256/24', '10.244.1.0/', '::1/64', '1.2.3.4/8/8'])
    t.equal(parseCidr(text), undefined, text);
  t.end();
});

void t.test('holds() compares the bits of the prefix only', (t) => {
  const cidr = parseCidr('192.168.128.0/17');
  if (cidr === undefined) throw new Error('a prefix');
  t.ok(holds(cidr, '192.168.255.1'));
  t.notOk(holds(cidr, '192.168.127.1'));
  t.notOk(holds(cidr, 'fe80::1'));
  t.end();
});

void t.test('formatAddress() undoes parseAddress()', (t) => {
  for (const text of ['0.0.0.0', '10.244.1.1', '255.255.255.255'])
    t.equal(formatAddress(parseAddress(text) ?? -1), text);
  t.end();
});
