import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { FragmentTable } from '../../src/nft/fragment-table.ts';
import { baseTable } from '../../src/proxy/base-table.ts';
import { isProxied, serviceRules, type ProxyContext } from '../../src/proxy/ruleset.ts';
import { service, slice } from './world.ts';

const context: ProxyContext = { family: 'ip', nodeName: 'n1', clusterCidr: '10.244.0.0/16' };
const base = { family: 'ip', clusterCidr: '10.244.0.0/16', nodeAddresses: ['192.168.7.1', 'fe80::1'] } as const;

const pods = ['10.244.1.1', { address: '10.244.2.1', node: 'n2' }] as const;
const remote = [{ address: '10.244.2.1', node: 'n2' }] as const;
const balanced = {
  ...service(
    'balanced',
    {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.14',
      externalIPs: ['203.0.113.9'],
      loadBalancerSourceRanges: ['198.51.100.0/24'],
    },
    { nodePort: 30014 },
  ),
  status: { loadBalancer: { ingress: [{ ip: '203.0.113.14' }] } },
};

/** One of each: the whole text of what they become is in the testdata. */
const WORLD = [
  [service('plain', { clusterIP: '10.96.0.10' }), slice('plain', pods)],
  [service('empty', { clusterIP: '10.96.0.11', type: 'NodePort' }, { nodePort: 30011 }), slice('empty', [])],
  [
    service('sticky', {
      clusterIP: '10.96.0.12',
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    }),
    slice('sticky', pods),
  ],
  [
    service(
      'local',
      { clusterIP: '10.96.0.13', type: 'NodePort', externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' },
      { nodePort: 30013 },
    ),
    slice('local', pods),
  ],
  [balanced, slice('balanced', pods)],
  [
    service(
      'elsewhere',
      { clusterIP: '10.96.0.15', type: 'NodePort', externalTrafficPolicy: 'Local' },
      { nodePort: 30015, protocol: 'UDP' },
    ),
    slice('elsewhere', remote, 'UDP'),
  ],
] as const;

const TESTDATA = new URL('../testdata/proxy-ruleset.jsonl', import.meta.url);

void t.test('serviceRules() of one Service of each sort gives the whole table of the testdata', (t) => {
  const table = new FragmentTable(baseTable(base));
  for (const [service, slice] of WORLD)
    table.set(service.metadata?.name ?? '', serviceRules(service, [slice], context).fragment);
  const text = table
    .replacement()
    .map((command) => `${JSON.stringify(command)}\n`)
    .join('');
  if (process.env['UPDATE_TESTDATA'] !== undefined) writeFileSync(TESTDATA, text);
  t.equal(text, readFileSync(TESTDATA, 'utf8'));
  t.end();
});

void t.test('serviceRules() names UDP frontends and the endpoints behind them', (t) => {
  const [one, slice] = WORLD[5];
  t.same(serviceRules(one, [slice], context).udp, [
    { address: '10.96.0.15', port: 80, targets: ['10.244.2.1'] },
    { port: 30015, targets: ['10.244.2.1'] },
  ]);
  t.end();
});

void t.test(
  'serviceRules() gives names that nftables takes, and different ones for long names that begin alike',
  (t) => {
    const name = (end: string): string => `a-service-with-a-very-long-name-for-the-sake-of-it-${end}`;
    const namesOf = (end: string): string[] => {
      const { fragment } = serviceRules(
        service(name(end), { clusterIP: '10.96.0.10', sessionAffinity: 'ClientIP' }),
        [slice(name(end), pods)],
        context,
      );
      return [...fragment.chains.keys(), ...fragment.sets.keys()];
    };
    const names = [...namesOf('one'), ...namesOf('two')];
    t.equal(new Set(names).size, names.length);
    for (const one of names) t.ok(one.length < 128, one);
    t.end();
  },
);

void t.test('isProxied() leaves headless Services, ExternalName and those of other proxies alone', (t) => {
  t.ok(isProxied(service('a', { clusterIP: '10.96.0.10' })));
  t.notOk(isProxied(service('a', { clusterIP: 'None' })));
  t.notOk(isProxied(service('a', {})));
  t.notOk(isProxied(service('a', { type: 'ExternalName', clusterIP: '' })));
  const other = service('a', { clusterIP: '10.96.0.10' });
  const labels = { 'service.kubernetes.io/service-proxy-name': 'cilium' };
  t.notOk(isProxied({ ...other, metadata: { ...other.metadata, labels } }));
  t.end();
});

// One such address would make nft refuse the transaction, and with it every other Service's change.
void t.test('serviceRules() leaves out what is no address', (t) => {
  const odd = service('odd', { clusterIP: '10.96.0.20', externalIPs: ['example.org', '203.0.113.7', '203.0.113.999'] });
  const { fragment } = serviceRules(odd, [slice('odd', ['10.244.1.1', 'pod.example.org'])], context);
  t.same(
    [...(fragment.elements.get('service-ips')?.keys() ?? [])],
    ['10.96.0.20 . tcp . 80', '203.0.113.7 . tcp . 80'],
  );
  t.equal(fragment.chains.values().toArray()[0]?.rules.length, 1);
  t.end();
});
