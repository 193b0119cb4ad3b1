import t from 'tap';
import { firstFreeCidr } from '../../src/controller/node-ipam.ts';

void t.test('firstFreeCidr() gives the first network that nobody has, and none when all are given', (t) => {
  t.equal(firstFreeCidr('10.244.0.0/16', []), '10.244.0.0/24');
  t.equal(firstFreeCidr('10.244.0.0/16', ['10.244.0.0/24', '10.244.1.0/24', '10.244.3.0/24']), '10.244.2.0/24');
  t.equal(firstFreeCidr('10.244.0.0/23', ['10.244.0.0/24', '10.244.1.0/24']), undefined);
  t.end();
});
