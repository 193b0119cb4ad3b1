import t from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { refusal } from '../../src/kubelet/pod-admission.ts';

const BOARD = { cpuMilli: 1000, memoryBytes: 2 ** 30, pods: 3 };

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
