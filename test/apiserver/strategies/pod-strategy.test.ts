import t from 'tap';
import type { Pod, UnknownObject } from '../../../src/api/objects.ts';
import { ACCOUNT, DecisionServer, POD, messageOf } from '../decision-server.ts';

void t.test('a pod is bound once', async (t) => {
  const server = await DecisionServer.start();
  await server.create('serviceaccounts', ACCOUNT);
  await server.create('pods', POD);
  const binding = (node: string): UnknownObject => ({
    metadata: { name: 'web' },
    target: { kind: 'Node', name: node },
  });
  t.match(await server.subresource('pods', 'web', 'binding', binding('w1')), { status: 'Success' });
  const pod = await server.registry.get<Pod>('pods', 'default', 'web');
  t.equal(pod.spec?.nodeName, 'w1');
  t.match(pod.status?.conditions, [{ type: 'PodScheduled', status: 'True' }]);
  t.equal(
    await messageOf(server.subresource('pods', 'web', 'binding', binding('w2'))),
    '409 Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "w1"',
  );
});

void t.test('a pod on a node ends gracefully, one without goes at once', async (t) => {
  const server = await DecisionServer.start();
  await server.create('serviceaccounts', ACCOUNT);
  await server.create('pods', POD);
  t.match(await server.delete('pods', 'default', 'web'), { isGone: true });
  await server.create('pods', {
    ...POD,
    spec: { ...POD.spec, containers: POD.spec?.containers ?? [], nodeName: 'w1' },
  });
  t.match(await server.delete('pods', 'default', 'web'), {
    isGone: false,
    object: { metadata: { deletionGracePeriodSeconds: 30 } },
  });
});

void t.test('an update of a pod may not change what containers are', async (t) => {
  const server = await DecisionServer.start();
  await server.create('serviceaccounts', ACCOUNT);
  const pod = await server.create<Pod>('pods', POD);
  const [container] = pod.spec?.containers ?? [];
  if (container === undefined) throw new Error('no container');
  container.image = 'busybox:2';
  const changed = await server.update<Pod>('pods', pod);
  t.equal(changed.spec?.containers[0]?.image, 'busybox:2', 'the image may change');
  changed.spec = { ...changed.spec, containers: changed.spec?.containers ?? [], hostNetwork: true };
  t.match(
    await messageOf(server.update('pods', changed)),
    /^422 Pod "web" is invalid: spec: Forbidden: pod updates may not change fields other than/,
  );
});
