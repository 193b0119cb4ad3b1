import t from 'tap';
import type { Service } from '../../../src/api/objects.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { DecisionServer, messageOf } from '../decision-server.ts';

void t.test('Services get addresses and ports that nobody else has, and give them back', async (t) => {
  const storage = new MemoryStorage();
  const [a, b] = [await DecisionServer.start(storage), await DecisionServer.start(storage)];
  const service = (name: string, spec: Service['spec']) => ({
    metadata: { namespace: 'default', name },
    spec: { ports: [{ port: 80 }], ...spec },
  });
  const both = await Promise.all(
    [0, 1, 2, 3, 4, 5].map((i) =>
      (i % 2 === 0 ? a : b).create<Service>('services', service(`s${i}`, { type: 'NodePort' })),
    ),
  );
  t.equal(new Set(both.map(({ spec }) => spec?.clusterIP)).size, 6, 'six addresses');
  t.equal(new Set(both.map(({ spec }) => spec?.ports?.[0]?.nodePort)).size, 6, 'six ports');

  const dns = await a.create<Service>('services', service('dns', { clusterIP: '10.96.0.10' }));
  t.match(dns.spec, {
    clusterIPs: ['10.96.0.10'],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    internalTrafficPolicy: 'Cluster',
  });
  const again = service('again', { clusterIP: '10.96.0.10' });
  t.equal(
    await messageOf(b.create('services', again)),
    '422 Service "again" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
  );
  t.match(
    await messageOf(b.create('services', service('dns', { clusterIP: '10.96.0.10' }))),
    /^409 services "dns" already exists/,
  );
  t.match(
    await messageOf(b.create('services', again)),
    /already allocated/,
    'a create that failed gave nothing back of another',
  );
  t.match(
    await messageOf(b.create('services', service('out', { clusterIP: '10.1.1.1' }))),
    /is not in the valid range/,
  );
  await b.delete('services', 'default', 'dns');
  t.equal((await b.create<Service>('services', again)).spec?.clusterIP, '10.96.0.10', 'free again');

  const [first] = both;
  if (first?.spec === undefined) throw new Error('no service');
  const port = first.spec.ports?.[0]?.nodePort;
  const inside = await a.update<Service>('services', { ...first, spec: { ...first.spec, type: 'ClusterIP' } });
  t.equal(inside.spec?.ports?.[0]?.nodePort, undefined, 'a port goes with its type');
  t.equal(inside.spec?.externalTrafficPolicy, undefined);
  const taker = service('taker', {
    type: 'NodePort',
    ports: [{ port: 80, ...(port === undefined ? {} : { nodePort: port }) }],
  });
  t.equal((await b.create<Service>('services', taker)).spec?.ports?.[0]?.nodePort, port);
  const headless = await a.create<Service>('services', service('headless', { clusterIP: 'None' }));
  t.same(headless.spec?.clusterIPs, ['None']);
});
