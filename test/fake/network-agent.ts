/**
 * A program for network tests: pod network, proxy and DNS as an agent runs them, on node `n1` at 192.168.7.1, over an
 * API in memory that holds Service `web` (10.96.0.20:80 to 10.244.1.2:8080) and `kube-dns`. Writes the CNI configuration
 * to the path it is given, prints `ready`, and runs until it is killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from '../../src/api/objects.ts';
import { createInformer } from '../../src/client/informer.ts';
import { endpointSlices, nodes, services } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createNft } from '../../src/host/nft.ts';
import { runNetwork } from '../../src/network/run-network.ts';
import { runProxy } from '../../src/proxy/run-proxy.ts';
import { createFakeApiClient } from './api-client.ts';

const [, , cniConfigPath = ''] = process.argv;
const { signal } = new AbortController();
const client = createFakeApiClient();

function service(namespace: string, name: string, spec: NonNullable<Service['spec']>): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec };
}

client.seed(nodes, {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', uid: 'u1' },
  spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '192.168.7.1' }] },
});
client.seed(
  services,
  service('default', 'web', {
    clusterIP: '10.96.0.20',
    clusterIPs: ['10.96.0.20'],
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  }),
  service('kube-system', 'kube-dns', {
    clusterIP: '10.96.0.10',
    clusterIPs: ['10.96.0.10'],
    internalTrafficPolicy: 'Local',
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  }),
);
client.seed(endpointSlices, {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [{ addresses: ['10.244.1.2'], nodeName: 'n1', conditions: { ready: true } }],
});
const informers = {
  services: createInformer(client, services),
  endpointSlices: createInformer(client, endpointSlices),
  nodes: createInformer(client, nodes),
};
const common = { ...informers, nodeName: 'n1', clusterCidr: '10.244.0.0/16', log: silentLog };
const running = Promise.all([
  ...Object.values(informers).map((informer) => informer.run(signal)),
  runNetwork({ ...common, client, uplink: 'eth0', serviceCidr: '10.96.0.0/12', cniConfigPath }, signal),
  runProxy({ ...common, nodeAddresses: ['192.168.7.1'] }, signal),
]);

const nft = createNft();
const isReady = async (): Promise<boolean> => {
  const table = await nft.list({ family: 'ip', name: 'bramble' }, signal);
  return table?.elements.get('service-ips')?.has('10.96.0.10 . udp . 53') === true;
};
while (!(await Promise.race([isReady(), running.then(() => true)]))) await sleep(50);
process.stdout.write('ready\n');
await running;
