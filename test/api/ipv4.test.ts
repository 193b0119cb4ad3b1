import t from 'tap';
import {
  addressAt,
  addressCount,
  formatIpv4,
  holdsIpv4,
  type Ipv4Cidr,
  isIpv4,
  parseIpv4,
  parseIpv4Cidr,
} from '../../src/api/ipv4.ts';

function cidr(text: string): Ipv4Cidr {
  const parsed = parseIpv4Cidr(text);
  if (parsed === undefined) throw new Error(`"${text}" is no prefix`);
  return parsed;
}

void t.test('parseIpv4Cidr() takes prefixes and clears the bits after them, and takes nothing else', (t) => {
  t.same(parseIpv4Cidr('10.244.1.9/24'), { base: 0x0af40100, prefixLength: 24 });
  t.same(parseIpv4Cidr('0.0.0.0/0'), { base: 0, prefixLength: 0 });
  t.same(parseIpv4Cidr('255.255.255.255/32'), { base: 0xffffffff, prefixLength: 32 });
  const bad = [
    '',
    '10.244.1.0',
    '10.244.1.0/33',
    '10.244.1/24',
    '10.244.1.256/24',
    '10.244.1.0/',
    '::1/64',
    '1.2.3.4/8/8',
  ];
  for (const text of bad) t.equal(parseIpv4Cidr(text), undefined, text);
  t.end();
});

void t.test('isIpv4() refuses what Go refuses', (t) => {
  for (const text of ['', '1.2.3', '01.2.3.4', '256.1.1.1', '1.2.3.4.5', '::1']) t.notOk(isIpv4(text), text);
  t.end();
});

void t.test('holdsIpv4() compares the bits of the prefix only', (t) => {
  const half = cidr('192.168.128.0/17');
  t.ok(holdsIpv4(half, '192.168.255.1'));
  t.notOk(holdsIpv4(half, '192.168.127.1'));
  t.notOk(holdsIpv4(half, 'fe80::1'));
  t.end();
});

void t.test('addressCount() and addressAt() count from the network itself', (t) => {
  t.equal(addressCount(cidr('10.96.0.0/12')), 2 ** 20);
  t.equal(addressCount(cidr('0.0.0.0/0')), 2 ** 32);
  t.equal(addressAt('10.96.7.9/12', 1), '10.96.0.1');
  t.equal(addressAt('255.255.255.0/24', 255), '255.255.255.255');
  t.throws(() => addressAt('fd00::/64', 1), RangeError);
  t.end();
});

void t.test('formatIpv4() undoes parseIpv4()', (t) => {
  for (const text of ['0.0.0.0', '10.244.1.1', '255.255.255.255']) t.equal(formatIpv4(parseIpv4(text) ?? -1), text);
  t.end();
});
