import t from 'tap';
import { DEFAULT_OPTIONS, findBoard, planLayout } from '../../src/rack/layout.ts';
import { addressAt, overlaps, parseSubnet } from '../../src/rack/subnet.ts';

void t.test('planLayout() gives each board a name, a role and an address that says which board it is', (t) => {
  const layout = planLayout(DEFAULT_OPTIONS);

  t.same(
    layout.boards.map(
      ({ name, role, address, isFounder }) => `${name} ${role} ${address}${isFounder ? ' founds' : ''}`,
    ),
    [
      'c1 control 10.77.0.11 founds',
      'c2 control 10.77.0.12',
      'c3 control 10.77.0.13',
      'w1 worker 10.77.0.21',
      'w2 worker 10.77.0.22',
    ],
  );
  t.equal(layout.hostAddress, '10.77.0.1');
  t.equal(layout.apiAddress, '10.77.0.10');
  t.end();
});

void t.test('planLayout() gives every board of the largest rack an address and a MAC of its own', (t) => {
  const { boards, apiAddress, hostAddress } = planLayout({
    ...DEFAULT_OPTIONS,
    control: 5,
    workers: 20,
    subnet: '192.168.9.64/26',
  });
  const addresses = new Set([...boards.map(({ address }) => address), apiAddress, hostAddress]);

  t.equal(addresses.size, 27);
  t.equal(new Set(boards.map(({ mac }) => mac)).size, 25);
  t.equal(boards.at(-1)?.address, '192.168.9.104', 'below the broadcast address 192.168.9.127');
  // IEEE 802: bit 1 of the first byte says locally administered, bit 0 group.
  t.ok(boards.every(({ mac }) => (Number.parseInt(mac.slice(0, 2), 16) & 3) === 2));
  t.end();
});

void t.test('planLayout() names every wrong option in one line', (t) => {
  const wrong = { control: 2, workers: 21, subnet: '10.77.0.0/27', apiPort: 0, memoryMib: 64 };

  t.throws(() => planLayout(wrong), {
    name: 'RackError',
    message:
      'control must be 1, 3 or 5 boards: got 2; workers must be 0 to 20 boards: got 21; ' +
      'memory must be at least 256 MiB: got 64; api-port must be 1 to 65535: got 0; ' +
      'subnet must have a prefix of 16 to 26: got 10.77.0.0/27',
  });
  t.throws(() => planLayout({ ...DEFAULT_OPTIONS, subnet: '10.96.4.0/24' }), { message: /overlaps 10\.96\.0\.0\/12/ });
  t.end();
});

void t.test('findBoard() names the boards there are when it knows none of that name', (t) => {
  t.throws(() => findBoard(planLayout({ ...DEFAULT_OPTIONS, control: 1, workers: 1 }), 'c9'), {
    message: 'there is no board "c9": boards are c1 w1',
  });
  t.end();
});

void t.test('parseSubnet() refuses what is no network', (t) => {
  for (const text of ['', '10.77.0.0', '10.77.0.1/24', '10.77.0.0/33', '10.77.300.0/24', 'fd00::/64']) {
    t.throws(() => parseSubnet(text), { name: 'RackError' }, JSON.stringify(text));
  }
  t.equal(addressAt(parseSubnet('200.1.2.0/23'), 300), '200.1.3.44');
  t.end();
});

void t.test('overlaps() holds when one network holds the other or equals it', (t) => {
  const cases: [string, string, boolean][] = [
    ['10.0.0.0/8', '10.77.0.0/24', true],
    ['10.77.0.0/24', '10.0.0.0/8', true],
    ['10.77.0.0/24', '10.77.0.0/24', true],
    ['10.77.0.0/24', '10.77.1.0/24', false],
  ];
  for (const [one, other, expected] of cases) {
    t.equal(overlaps(parseSubnet(one), parseSubnet(other)), expected, `${one} ${other}`);
  }
  t.end();
});
