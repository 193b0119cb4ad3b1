import t from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { qosClass } from '../../src/api/qos-class.ts';

void t.test('qosClass() is Guaranteed only when every container asks for exactly its limits', (t) => {
  const full = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1000m', memory: '1Gi' } };
  const table: readonly (readonly [string, readonly object[], string])[] = [
    ['nothing', [{}], 'BestEffort'],
    ['zero', [{ requests: { cpu: '0' } }], 'BestEffort'],
    ['disk only', [{ requests: { 'ephemeral-storage': '1Gi' } }], 'BestEffort'],
    ['limits met', [full], 'Guaranteed'],
    ['one of two', [full, {}], 'Burstable'],
    ['less than the limit', [{ ...full, requests: { cpu: '0.5', memory: '1Gi' } }], 'Burstable'],
    ['a limit is its own request', [{ limits: full.limits }], 'Guaranteed'],
    ['cpu alone', [{ requests: { cpu: '1' }, limits: { cpu: '1' } }], 'Burstable'],
  ];
  for (const [what, resources, expected] of table) {
    const containers = resources.map((one, i) => ({ name: `c${i}`, image: 'i', resources: one }));
    t.equal(qosClass({ spec: { containers } } as Pod), expected, what);
  }
  t.end();
});

// KEP-2837
void t.test('qosClass() goes by the resources of the whole pod where there are any', (t) => {
  const spec = { containers: [{ name: 'c', image: 'i' }], resources: { limits: { cpu: '1', memory: '1Gi' } } };
  t.equal(qosClass({ apiVersion: 'v1', kind: 'Pod', spec }), 'Guaranteed');
  t.equal(
    qosClass({ apiVersion: 'v1', kind: 'Pod', spec: { ...spec, resources: {} } }),
    'BestEffort',
    'none are given',
  );
  t.end();
});
