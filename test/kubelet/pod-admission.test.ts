import t from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { refusal } from '../../src/kubelet/pod-admission.ts';

const BOARD = {
  cpuMilli: 1000,
  memoryBytes: 2 ** 30,
  ephemeralStorageBytes: 2 ** 30,
  pods: 3,
  labels: { disk: 'ssd' },
};

function pod(cpu: string, more: object = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'ns' },
    spec: { containers: [{ name: 'main', image: 'i', resources: { requests: { cpu } } }], ...more },
  };
}

void t.test('refusal() lets in what fits and says what is short in upstream words', (t) => {
  t.equal(refusal(pod('400m'), [pod('600m')], BOARD), undefined);
  t.same(refusal(pod('500m'), [pod('600m')], BOARD), {
    reason: 'OutOfcpu',
    message: "Node didn't have enough resource: cpu, requested: 500, used: 600, capacity: 1000",
  });
  t.match(refusal(pod('0'), [pod('0'), pod('0'), pod('0')], BOARD), { reason: 'OutOfpods' });
  t.end();
});

// The scheduler counts so (component-helpers resource.PodRequests): what it has let onto a board, the board takes.
void t.test('refusal() counts init containers and the resources of the whole pod as the scheduler does', (t) => {
  const initContainers = [{ name: 'init', image: 'i', resources: { requests: { cpu: '900m' } } }];
  t.match(refusal(pod('100m', { initContainers }), [pod('200m')], BOARD), { reason: 'OutOfcpu' });
  t.equal(refusal(pod('900m', { resources: { requests: { cpu: '100m' } } }), [pod('800m')], BOARD), undefined);
  t.end();
});

// The scheduler looked before it bound the pod; who names a node in the spec, or comes at the same moment, it did not see.
void t.test('refusal() keeps to nodeSelector, host ports and storage in upstream words', (t) => {
  t.equal(refusal(pod('0', { nodeSelector: { disk: 'ssd' } }), [], BOARD), undefined);
  t.same(refusal(pod('0', { nodeSelector: { disk: 'hdd' } }), [], BOARD), {
    reason: 'NodeAffinity',
    message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  });
  const withPort = (port: object, more: object = {}): Pod =>
    pod('0', { containers: [{ name: 'main', image: 'i', ports: [port] }], ...more });
  const taken = withPort({ containerPort: 80, hostPort: 8080 });
  t.same(refusal(withPort({ containerPort: 8080 }, { hostNetwork: true }), [taken], BOARD), {
    reason: 'NodePorts',
    message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  });
  t.equal(refusal(withPort({ containerPort: 8080 }), [taken], BOARD), undefined, 'a port of its own address');
  t.equal(refusal(withPort({ containerPort: 80, hostPort: 8080, protocol: 'UDP' }), [taken], BOARD), undefined);
  const requests = { 'ephemeral-storage': '2Gi' };
  const containers = [{ name: 'main', image: 'i', resources: { requests } }];
  t.match(refusal(pod('0', { containers }), [], BOARD), { reason: 'OutOfephemeral-storage' });
  t.end();
});
