import t from 'tap';
import { parseFlows, type Flow } from '../../src/host/conntrack.ts';
import { UdpFrontends } from '../../src/proxy/udp-frontends.ts';

const NODES = ['192.168.7.1'];

function flow(destination: string, destinationPort: number, replySource: string): Flow {
  return { source: '10.244.1.9', sourcePort: 4000, destination, destinationPort, replySource };
}

void t.test('UdpFrontends.stale() names flows to endpoints that are gone, by ClusterIP and by NodePort', (t) => {
  const udp = new UdpFrontends();
  udp.set('default/dns', [
    { address: '10.96.0.10', port: 53, targets: ['10.244.1.2'] },
    { port: 30053, targets: ['10.244.1.2'] },
  ]);
  const kept = [
    flow('10.96.0.10', 53, '10.244.1.2'),
    flow('10.96.0.10', 54, '10.244.1.3'),
    flow('10.96.0.99', 53, '10.244.1.3'),
    flow('192.168.7.9', 30053, '10.244.1.3'),
  ];
  const gone = [
    flow('10.96.0.10', 53, '10.244.1.3'),
    flow('10.96.0.10', 53, '10.96.0.10'), // begun before there was an endpoint
    flow('192.168.7.1', 30053, '10.244.1.3'),
  ];
  t.same(udp.stale([...kept, ...gone], NODES), gone);
  t.end();
});

void t.test('UdpFrontends.stale() leaves flows that were never translated while there is no endpoint', (t) => {
  const udp = new UdpFrontends();
  udp.set('default/dns', [{ address: '10.96.0.10', port: 53, targets: [] }]);
  t.same(udp.stale([flow('10.96.0.10', 53, '10.96.0.10')], NODES), []);
  t.equal(udp.stale([flow('10.96.0.10', 53, '10.244.1.2')], NODES).length, 1);
  t.end();
});

void t.test('UdpFrontends.takeChanged() is true once after each change, and never for the same again', (t) => {
  const udp = new UdpFrontends();
  const frontends = [{ address: '10.96.0.10', port: 53, targets: ['10.244.1.2'] }];
  udp.set('default/dns', frontends);
  t.ok(udp.takeChanged());
  t.notOk(udp.takeChanged());
  udp.set('default/dns', structuredClone(frontends));
  t.notOk(udp.takeChanged());
  udp.set('default/dns', []);
  t.ok(udp.takeChanged());
  t.end();
});

void t.test('parseFlows() reads what conntrack prints, both directions', (t) => {
  const text = [
    'udp      17 29 src=10.244.1.9 dst=10.96.0.10 sport=4000 dport=53 [UNREPLIED] src=10.244.1.2 dst=10.244.1.9 sport=53 dport=4000 mark=0 use=1',
    'udp      17 170 src=10.244.1.9 dst=10.96.0.10 sport=4001 dport=53 src=10.244.1.3 dst=10.244.1.9 sport=53 dport=4001 [ASSURED] mark=0 use=1',
    'conntrack v1.4.8 (conntrack-tools): 2 flow entries have been shown.',
    '',
  ].join('\n');
  t.same(parseFlows(text), [
    flow('10.96.0.10', 53, '10.244.1.2'),
    { ...flow('10.96.0.10', 53, '10.244.1.3'), sourcePort: 4001 },
  ]);
  t.end();
});
