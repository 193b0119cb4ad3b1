import t from 'tap';
import type { Node } from '../../src/api/objects.ts';
import { diffRoutes, planRoutes } from '../../src/network/pod-routes.ts';

const uplink = {
  name: 'eth0',
  mtu: 1500,
  mac: '02:00:00:00:00:01',
  isUp: true,
  addresses: [{ address: '192.168.7.1', prefixLength: 24 }],
};

function node(name: string, address: string, podCIDR?: string): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
    status: { addresses: [{ type: 'InternalIP', address }] },
  };
}

void t.test('planRoutes() leads to the pods of each other node, by its address on our network', (t) => {
  const nodes = [
    node('n1', '192.168.7.1', '10.244.0.0/24'),
    node('n2', '192.168.7.2', '10.244.1.0/24'),
    node('new', '192.168.7.3'),
    node('far', '172.16.0.9', '10.244.9.0/24'),
  ];
  t.same(planRoutes(nodes, 'n1', uplink), {
    wanted: [{ destination: '10.244.1.0/24', gateway: '192.168.7.2', device: 'eth0' }],
    unreachable: ['far'],
  });
  t.end();
});

void t.test('diffRoutes() replaces a route whose gateway moved without removing it first', (t) => {
  const route = (destination: string, gateway: string): { destination: string; gateway: string; device: string } => ({
    destination,
    gateway,
    device: 'eth0',
  });
  const present = [route('10.244.1.0/24', '192.168.7.2'), route('10.244.2.0/24', '192.168.7.3')];
  const wanted = [route('10.244.1.0/24', '192.168.7.9')];
  t.same(diffRoutes(wanted, present), { remove: [present[1]], put: wanted });
  t.same(diffRoutes(present, present), { remove: [], put: [] });
  t.end();
});
