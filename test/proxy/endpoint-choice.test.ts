import t from 'tap';
import { chooseEndpoints } from '../../src/proxy/endpoint-choice.ts';
import { service, slice } from './world.ts';

const web = service('web', { clusterIP: '10.96.0.10', internalTrafficPolicy: 'Local' });
const port = { name: 'http', port: 80 };
const here = { nodeName: 'n1', zone: 'a' };

function choose(places: Parameters<typeof slice>[1]): { cluster: string[]; local: string[]; hasAny: boolean } {
  const { cluster, local, hasAny } = chooseEndpoints(web, port, [slice('web', places)], 'ip', here);
  return { cluster: cluster.map(({ address }) => address), local: local.map(({ address }) => address), hasAny };
}

const ready = { ready: true };
const gone = { ready: false };
const leaving = { ready: false, serving: true, terminating: true };

void t.test('chooseEndpoints() takes ready endpoints, and those of this node for policy Local', (t) => {
  const places = [{ address: '10.244.2.1', node: 'n2' }, '10.244.1.1', { address: '10.244.1.2', conditions: gone }];
  t.same(choose(places), { cluster: ['10.244.1.1', '10.244.2.1'], local: ['10.244.1.1'], hasAny: true });
  t.end();
});

// KEP-1669: terminating endpoints that still serve take over only when there is no ready one.
void t.test('chooseEndpoints() falls back to endpoints that terminate and serve, for each policy on its own', (t) => {
  const own = { address: '10.244.1.1', conditions: leaving };
  const other = { address: '10.244.2.1', node: 'n2', conditions: ready };
  t.same(choose([own]), { cluster: ['10.244.1.1'], local: ['10.244.1.1'], hasAny: true });
  t.same(choose([own, other]), { cluster: ['10.244.2.1'], local: ['10.244.1.1'], hasAny: true });
  t.same(choose([{ ...own, conditions: { ...leaving, serving: false } }]), { cluster: [], local: [], hasAny: false });
  t.end();
});

void t.test(
  'chooseEndpoints() counts an endpoint without conditions as ready (EndpointConditions.ready: nil is true)',
  (t) => {
    t.same(choose([{ address: '10.244.1.1', conditions: {} }]).cluster, ['10.244.1.1']);
    t.end();
  },
);

void t.test('chooseEndpoints() follows hints only when every ready endpoint has one and one fits', (t) => {
  const inA = { address: '10.244.1.1', hints: { forZones: [{ name: 'a' }] } };
  const inB = { address: '10.244.2.1', node: 'n2', hints: { forZones: [{ name: 'b' }] } };
  t.same(choose([inA, inB]).cluster, ['10.244.1.1']);
  t.same(choose([inB]).cluster, ['10.244.2.1'], 'none fits');
  t.same(choose([inA, { address: '10.244.2.1', node: 'n2' }]).cluster, ['10.244.1.1', '10.244.2.1'], 'one has none');
  t.end();
});

void t.test('chooseEndpoints() counts an address once while it is in two slices, and as ready if it is in one', (t) => {
  const slices = [slice('web', ['10.244.1.1']), slice('web', [{ address: '10.244.1.1', conditions: gone }])];
  for (const order of [slices, slices.toReversed()]) {
    t.same(chooseEndpoints(web, port, order, 'ip', here).cluster, [
      { address: '10.244.1.1', port: 8080, isLocal: true },
    ]);
  }
  t.end();
});

void t.test('chooseEndpoints() takes only ports of the same name and protocol', (t) => {
  const other = [slice('web', ['10.244.1.1'], 'UDP')];
  t.notOk(chooseEndpoints(web, port, other, 'ip', here).hasAny);
  t.notOk(chooseEndpoints(web, { port: 80 }, [slice('web', ['10.244.1.1'])], 'ip', here).hasAny);
  t.end();
});
