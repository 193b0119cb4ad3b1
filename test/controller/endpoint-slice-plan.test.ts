import t from 'tap';
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Pod, Service } from '../../src/api/objects.ts';
import { MANAGED_BY, planEndpointSlices, SERVICE_NAME } from '../../src/controller/endpoint-slice-plan.ts';
import { endpointOf, endpointPorts } from '../../src/controller/service-endpoints.ts';
import { endpointsOf } from '../../src/controller/endpoints.ts';

const SERVICE: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'ns', name: 'web', uid: 'u', labels: { app: 'web' } },
  spec: { clusterIP: '10.96.0.7', ports: [{ name: 'http', port: 80, targetPort: 'www' }] },
};
const PORTS: DiscoveryEndpointPort[] = [{ name: 'http', port: 8080, protocol: 'TCP' }];

function endpoint(index: number, ready = true): Endpoint {
  return { addresses: [`10.244.0.${index}`], conditions: { ready }, targetRef: { kind: 'Pod', uid: `p${index}` } };
}

function slice(name: string, endpoints: Endpoint[], ports = PORTS): EndpointSlice {
  const labels = { app: 'web', [SERVICE_NAME]: 'web', [MANAGED_BY]: 'endpointslice-controller.k8s.io' };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels },
    addressType: 'IPv4',
    endpoints,
    ports,
  };
}

function group(...endpoints: Endpoint[]) {
  return { addressType: 'IPv4' as const, ports: PORTS, endpoints };
}

function pod(uid: string, ready: boolean, deleting = false): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'ns', name: uid, uid, ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
    spec: { nodeName: 'w1', containers: [{ name: 'c', image: 'i', ports: [{ name: 'www', containerPort: 8080 }] }] },
    status: {
      phase: 'Running',
      podIP: '10.244.0.9',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

void t.test('planEndpointSlices() writes nothing when all is as it should be', (t) => {
  const plan = planEndpointSlices(SERVICE, [slice('a', [endpoint(1), endpoint(2)])], [group(endpoint(2), endpoint(1))]);
  t.same([plan.create, plan.update, plan.delete], [[], [], []]);
  t.end();
});

void t.test('planEndpointSlices() changes an endpoint where it stands', (t) => {
  const existing = [slice('a', [endpoint(1)]), slice('b', [endpoint(2)])];
  const plan = planEndpointSlices(SERVICE, existing, [group(endpoint(1), endpoint(2, false), endpoint(3))]);
  t.same(
    plan.update.map(({ metadata, endpoints }) => [metadata?.name, endpoints?.length]),
    [['b', 2]],
  );
  t.same([plan.create, plan.delete], [[], []], 'the new one fills the slice that is written anyway');
  t.end();
});

void t.test('planEndpointSlices() holds at most 100 endpoints in a slice', (t) => {
  const many = Array.from({ length: 250 }, (_, index) => endpoint(index));
  const plan = planEndpointSlices(SERVICE, [], [group(...many)]);
  t.same(
    plan.create.map(({ endpoints }) => endpoints?.length),
    [100, 100, 50],
  );
  t.equal(plan.create[0]?.metadata?.ownerReferences?.[0]?.uid, 'u');
  t.end();
});

void t.test('planEndpointSlices() keeps one empty slice, and none of ports that are gone', (t) => {
  const old = slice('a', [endpoint(1)], [{ name: 'http', port: 1, protocol: 'TCP' }]);
  const plan = planEndpointSlices(SERVICE, [old, slice('b', [endpoint(2)]), slice('c', [])], [group()]);
  t.same(
    plan.delete.map(({ metadata }) => metadata?.name),
    ['c', 'a'],
  );
  t.same(
    plan.update.map(({ metadata, endpoints }) => [metadata?.name, endpoints]),
    [['b', []]],
  );
  t.end();
});

void t.test('endpointOf() tells ready, serving and terminating apart (KEP-1672)', (t) => {
  const conditions = (one: Pod, service = SERVICE) => endpointOf(service, one, '10.244.0.9', undefined).conditions;
  t.same(conditions(pod('a', true)), { ready: true, serving: true, terminating: false });
  t.same(conditions(pod('a', true, true)), { ready: false, serving: true, terminating: true });
  t.same(conditions(pod('a', false)), { ready: false, serving: false, terminating: false });
  const publish = { ...SERVICE, spec: { ...SERVICE.spec, publishNotReadyAddresses: true } };
  t.equal(conditions(pod('a', false), publish)?.ready, true);
  t.end();
});

void t.test('endpointPorts() finds a named port in the pod', (t) => {
  t.same(endpointPorts(SERVICE, pod('a', true)), [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  const bare = { ...pod('a', true), spec: { containers: [{ name: 'c', image: 'i' }] } };
  t.same(endpointPorts(SERVICE, bare), []);
  t.end();
});

// endpoints_controller.go truncateEndpoints(): 1000 addresses, the ready ones before all others.
void t.test('endpointsOf() keeps ready addresses when there are too many, and says that some are missing', (t) => {
  const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
  const pods = (count: number) => Array.from({ length: count }, (_none, i) => pod(`p${i}`, i >= 400));
  const over = endpointsOf(SERVICE, pods(1_200));
  t.equal(over.metadata?.annotations?.[OVER_CAPACITY], 'truncated');
  t.equal(over.subsets?.[0]?.addresses?.length, 800);
  t.equal(over.subsets?.[0]?.notReadyAddresses?.length, 200);
  const full = endpointsOf(SERVICE, pods(1_000));
  t.equal(full.metadata?.annotations?.[OVER_CAPACITY], undefined);
  t.equal(full.subsets?.[0]?.addresses?.length, 600);
  t.end();
});

void t.test('endpointsOf() parts ready addresses from those that are not', (t) => {
  const { subsets } = endpointsOf(SERVICE, [pod('a', true), pod('b', false)]);
  t.equal(subsets?.length, 1);
  t.equal(subsets?.[0]?.addresses?.[0]?.targetRef?.name, 'a');
  t.equal(subsets?.[0]?.notReadyAddresses?.[0]?.targetRef?.name, 'b');
  t.same(subsets?.[0]?.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  t.end();
});
