import t from 'tap';
import type { EndpointSlice, Service } from '../../../src/api/objects.ts';
import { ClusterZone, type ZoneAnswer } from '../../../src/network/dns/cluster-zone.ts';
import { serviceRecord } from '../../../src/network/dns/service-record.ts';

/* Expectations are those of the Kubernetes DNS-Based Service Discovery specification 1.1.0; its sections are named. */
type Ports = NonNullable<NonNullable<Service['spec']>['ports']>;
const http: Ports = [{ name: 'http', port: 80, protocol: 'TCP' }];

function put(zone: ClusterZone, name: string, spec: NonNullable<Service['spec']>, slices: EndpointSlice[] = []): void {
  const service: Service = { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'default', name }, spec };
  zone.set('default', name, serviceRecord(service, slices));
}

function slice(endpoints: EndpointSlice['endpoints']): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
  };
}

function zone(): ClusterZone {
  const zone = new ClusterZone({
    domain: 'cluster.local',
    ownCidrs: ['10.96.0.0/12', '10.244.0.0/16'],
    dnsService: { namespace: 'default', name: 'dns' },
  });
  put(zone, 'hello', { clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20', 'fd00::20'], ports: http });
  put(zone, 'dns', { clusterIP: '10.96.0.10' });
  put(zone, 'else', { type: 'ExternalName', externalName: 'example.org.' });
  put(zone, 'db', { clusterIP: 'None', ports: http }, [
    slice([
      { addresses: ['10.244.1.5'], hostname: 'db-0', conditions: { ready: true } },
      { addresses: ['10.244.2.6'], conditions: {} },
      { addresses: ['10.244.2.7'], hostname: 'db-2', conditions: { ready: false } },
    ]),
  ]);
  put(zone, 'nobody', { clusterIP: 'None', ports: http });
  return zone;
}

/** An answer in one line: its kind, or its records' data. */
function brief(answer: ZoneAnswer): string {
  if (answer.kind !== 'records') return answer.kind;
  return answer.answers
    .map(({ type, data }) => {
      if (typeof data === 'string') return `${type} ${data}`;
      if ('target' in data) return `${type} ${data.priority} ${data.weight} ${data.port} ${data.target}`;
      return type;
    })
    .join(', ');
}

const S = 'svc.cluster.local';
const TABLE: [title: string, name: string, type: string, expected: string][] = [
  ['2.2 version', 'dns-version.cluster.local', 'TXT', 'TXT 1.1.0'],
  ['2.3.1 A', `hello.default.${S}`, 'A', 'A 10.96.0.20'],
  ['2.3.1 AAAA', `hello.default.${S}`, 'AAAA', 'AAAA fd00::20'],
  ['names have no case', `HeLLo.Default.SVC.cluster.LOCAL`, 'A', 'A 10.96.0.20'],
  ['a name without this type', `dns.default.${S}`, 'AAAA', 'noData'],
  ['a Service that is not there', `absent.default.${S}`, 'A', 'noName'],
  ['2.3.2 SRV', `_http._tcp.hello.default.${S}`, 'SRV', `SRV 0 100 80 hello.default.${S}`],
  ['SRV of a port that is not there', `_https._tcp.hello.default.${S}`, 'SRV', 'noName'],
  ['SRV of the other protocol', `_http._udp.hello.default.${S}`, 'SRV', 'noName'],
  ['an A of an SRV name', `_http._tcp.hello.default.${S}`, 'A', 'noData'],
  ['2.3.3 PTR', '20.0.96.10.in-addr.arpa', 'PTR', `PTR hello.default.${S}`],
  ['2.4.1 headless A: ready endpoints', `db.default.${S}`, 'A', 'A 10.244.1.5, A 10.244.2.6'],
  ['2.4.1 headless AAAA', `db.default.${S}`, 'AAAA', 'noData'],
  ['2.4.1 an endpoint by hostname', `db-0.db.default.${S}`, 'A', 'A 10.244.1.5'],
  ['2.4.1 one without hostname', `10-244-2-6.db.default.${S}`, 'A', 'A 10.244.2.6'],
  ['one that is not ready', `db-2.db.default.${S}`, 'A', 'noName'],
  ['2.4.1 no ready endpoint: the name is not there', `nobody.default.${S}`, 'A', 'noName'],
  [
    '2.4.2 headless SRV',
    `_http._tcp.db.default.${S}`,
    'SRV',
    `SRV 0 50 8080 db-0.db.default.${S}, SRV 0 50 8080 10-244-2-6.db.default.${S}`,
  ],
  ['2.4.3 headless PTR', '5.1.244.10.in-addr.arpa', 'PTR', `PTR db-0.db.default.${S}`],
  ['2.5 ExternalName', `else.default.${S}`, 'CNAME', 'CNAME example.org'],
  ['2.5 ExternalName, asked for addresses', `else.default.${S}`, 'A', 'alias'],
  ['a pod', '10-244-1-5.default.pod.cluster.local', 'A', 'A 10.244.1.5'],
  ['no pod', 'web.default.pod.cluster.local', 'A', 'noName'],
  ['the zone', 'cluster.local', 'SOA', 'SOA'],
  ['the name server', 'cluster.local', 'NS', 'NS ns.dns.cluster.local'],
  ['its address', 'ns.dns.cluster.local', 'A', 'A 10.96.0.10'],
  ['a name between names (RFC 8020)', `default.${S}`, 'A', 'noData'],
  ['a namespace without Services', `empty.${S}`, 'A', 'noName'],
  ['an address of ours without a name', '99.0.96.10.in-addr.arpa', 'PTR', 'noName'],
  ['an address of others', '8.8.8.8.in-addr.arpa', 'PTR', 'outside'],
  ['a name of others', 'example.org', 'A', 'outside'],
  ['one that only ends alike', 'notcluster.local', 'A', 'outside'],
];

for (const [title, name, type, expected] of TABLE) {
  void t.test(`ClusterZone.lookup(), ${title}`, (t) => {
    t.equal(brief(zone().lookup(name, type)), expected);
    t.end();
  });
}

void t.test('ClusterZone forgets all names of a Service that is gone or changed', (t) => {
  const own = zone();
  own.set('default', 'db', undefined);
  t.equal(brief(own.lookup(`db.default.${S}`, 'A')), 'noName');
  t.equal(brief(own.lookup('5.1.244.10.in-addr.arpa', 'PTR')), 'noName');
  put(own, 'hello', { clusterIP: '10.96.0.21', ports: http });
  t.equal(brief(own.lookup('20.0.96.10.in-addr.arpa', 'PTR')), 'noName');
  t.equal(brief(own.lookup('21.0.96.10.in-addr.arpa', 'PTR')), `PTR hello.default.${S}`);
  for (const name of ['hello', 'dns', 'else', 'nobody']) own.set('default', name, undefined);
  t.equal(brief(own.lookup(`default.${S}`, 'A')), 'noName', 'the namespace had its last Service');
  t.end();
});
