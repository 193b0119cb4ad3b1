import t from 'tap';
import type { Pod } from '../../../src/api/objects.ts';
import { evictionMessage, localStorageExcess } from '../../../src/kubelet/eviction/eviction-message.ts';
import { rankPods } from '../../../src/kubelet/eviction/pod-use.ts';
import type { PodUse } from '../../../src/kubelet/eviction/pod-use.ts';

const MIB = 2 ** 20;

function use(name: string, memoryMib: number | undefined, requests?: object, spec: object = {}): PodUse {
  const resources = requests === undefined ? {} : { resources: { requests } };
  const containers = [{ name: 'main', image: 'i', ...resources }];
  const pod = { metadata: { name }, spec: { containers, ...spec } } as Pod;
  const memoryBytes = memoryMib === undefined ? undefined : memoryMib * MIB;
  const own = [{ name: 'main', memoryBytes, diskBytes: memoryBytes }];
  const volumes = new Map<string, number>();
  return { pod, memoryBytes, diskBytes: memoryBytes, inodes: 0, processes: memoryMib, containers: own, volumes };
}

// Pod selection for kubelet eviction: usage over requests, then priority, then by how much.
void t.test('rankPods() begins with those over their requests, the less important first', (t) => {
  const names = (...uses: readonly PodUse[]): unknown => rankPods('memory', uses).map(({ pod }) => pod.metadata?.name);
  const modest = use('modest', 40, { memory: '64Mi' });
  const over = use('over', 80, { memory: '64Mi' });
  const loose = use('loose', 20);
  const important = use('important', 500, undefined, { priority: 1000 });
  t.same(names(modest, important, over, loose), ['loose', 'over', 'important', 'modest']);
  t.same(names(modest, use('unseen', undefined)), ['unseen', 'modest'], 'of whom nothing is known');
  t.same(
    rankPods('pids', [use('few', 3), use('many', 300), use('vital', 900, undefined, { priority: 1 })]).map(
      ({ pod }) => pod.metadata?.name,
    ),
    ['many', 'few', 'vital'],
  );
  t.end();
});

void t.test('evictionMessage() says in upstream words what is short and who takes it', (t) => {
  const memory = {
    signal: 'memory.available',
    quantity: 100 * MIB,
    available: 96_000 * 1024,
    capacity: 2 ** 30,
  } as const;
  t.equal(
    evictionMessage(memory, use('a', 80, { memory: '64Mi' })),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 96000Ki. ' +
      'Container main was using 80Mi, request is 64Mi, has larger consumption of memory. ',
  );
  t.match(evictionMessage(memory, use('b', 10, { memory: '64Mi' })), /available: 96000Ki\. $/);
  const inodes = { signal: 'nodefs.inodesFree', quantity: 50, available: 7, capacity: 1000 } as const;
  const low = 'The node was low on resource: inodes. Threshold quantity: 50, available: 7. ';
  t.equal(evictionMessage(inodes, use('c', 80)), low);
  t.end();
});

void t.test('localStorageExcess() holds pods to the limits that they named', (t) => {
  const volumes = [{ name: 'work', emptyDir: { sizeLimit: '1Mi' } }];
  const filled = { ...use('a', 1, undefined, { volumes }), volumes: new Map([['work', 2 * MIB]]) };
  t.equal(localStorageExcess(filled), 'Usage of EmptyDir volume "work" exceeds the limit "1Mi". ');
  t.equal(localStorageExcess({ ...filled, volumes: new Map([['work', MIB]]) }), undefined);
  const limits = { 'ephemeral-storage': '10Mi' };
  const containers = ['main', 'other'].map((name) => ({ name, image: 'i', resources: { limits } }));
  const limited = use('b', 15, undefined, { containers });
  t.equal(localStorageExcess(limited), 'Container main exceeded its local ephemeral storage limit "10Mi". ');
  t.equal(
    localStorageExcess({ ...limited, diskBytes: 21 * MIB }),
    'Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. ',
  );
  t.equal(localStorageExcess(use('c', 999)), undefined);
  t.end();
});
