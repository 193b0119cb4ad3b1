import t from 'tap';
import type { KubeObject, Namespace, Pod } from '../../../src/api/objects.ts';
import type { UserInfo } from '../../../src/apiserver/authentication/authenticator.ts';
import { ACCOUNT, ADMIN, DecisionServer, POD, messageOf } from '../decision-server.ts';

void t.test('a new pod is defaulted and admitted as upstream does it', async (t) => {
  const server = await DecisionServer.start();
  await server.create('serviceaccounts', ACCOUNT);
  const { spec, status } = await server.create<Pod>('pods', POD);
  t.match(status, { phase: 'Pending', qosClass: 'BestEffort' });
  t.match(spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
    enableServiceLinks: true,
    serviceAccountName: 'default',
    serviceAccount: 'default',
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
  });
  t.match(spec?.containers[0], {
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePolicy: 'File',
    resources: {},
    volumeMounts: [{ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
  });
  t.match(spec?.volumes?.[0]?.name, /^kube-api-access-[a-z0-9]{5}$/);
  t.same(
    spec?.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]),
    [
      ['node.kubernetes.io/not-ready', 30],
      ['node.kubernetes.io/unreachable', 8],
    ],
  );
});

void t.test('nothing is created in a namespace that is missing or ends', async (t) => {
  const server = await DecisionServer.start();
  const map = (namespace: string): KubeObject => ({ metadata: { namespace, name: 'x' } });
  t.equal(await messageOf(server.create('configmaps', map('nowhere'))), '404 namespaces "nowhere" not found');
  await server.create('namespaces', { metadata: { name: 'short' } });
  await server.delete('namespaces', '', 'short');
  t.equal(
    await messageOf(server.create('configmaps', map('short'))),
    '403 configmaps "x" is forbidden: unable to create new content in namespace short because it is being terminated',
  );
  t.equal(
    await messageOf(server.delete('namespaces', '', 'default')),
    '403 namespaces "default" is forbidden: this namespace may not be deleted',
  );
  const ending = await server.registry.get<Namespace>('namespaces', '', 'short');
  await server.update('namespaces', { ...ending, spec: { finalizers: [] } }, ADMIN, 'finalize');
  t.match(await messageOf(server.registry.get('namespaces', '', 'short')), /^404/, 'finalized, it is gone');
});

void t.test('a node writes its own objects only', async (t) => {
  const server = await DecisionServer.start();
  await server.create('serviceaccounts', ACCOUNT);
  const node: UserInfo = { name: 'system:node:w1', uid: '', groups: ['system:nodes'], extra: {} };
  t.match(
    await messageOf(server.create('nodes', { metadata: { name: 'w2' } }, node)),
    /^403 nodes "w2" is forbidden: node "w1" is not allowed to modify node "w2"/,
  );
  const own = await server.create(
    'nodes',
    {
      metadata: { name: 'w1', labels: { 'node-role.kubernetes.io/control-plane': '', rack: 'a' } },
      status: { capacity: { cpu: '4000m' } },
    } as KubeObject,
    node,
  );
  t.match(own, {
    metadata: { labels: { rack: 'a' } },
    spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] },
    status: { capacity: { cpu: '4' }, allocatable: { cpu: '4' } },
  });
  t.notOk(own.metadata?.labels?.['node-role.kubernetes.io/control-plane'] === '', 'a role is not its own to take');
  t.match(
    await messageOf(server.create('pods', { ...POD, spec: { ...POD.spec, nodeName: 'w1', containers: [] } }, node)),
    /node "w1" can only create mirror pods/,
  );
  const slice = (name: string, nodeName: string): KubeObject =>
    ({
      metadata: { namespace: 'kube-system', name, labels: { 'kubernetes.io/service-name': 'kube-dns' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.244.1.1'], nodeName }],
      ports: [{ name: 'dns', port: 53, protocol: 'UDP' }],
    }) as KubeObject;
  const slices = 'endpointslices.discovery.k8s.io';
  t.match(await messageOf(server.create(slices, slice('kube-dns-w2', 'w2'), node)), /can only write the EndpointSlice/);
  t.match(await messageOf(server.create(slices, slice('kube-dns-w1', 'w2'), node)), /nodeName set to itself/);
  t.equal(await messageOf(server.create(slices, slice('kube-dns-w1', 'w1'), node)), 'no error');
});

void t.test('nobody grants what they do not have', async (t) => {
  const server = await DecisionServer.start();
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' };
  await server.create('rolebindings.rbac.authorization.k8s.io', {
    metadata: { namespace: 'default', name: 'owner' },
    roleRef,
    subjects: [{ kind: 'User', name: 'ada' }],
  } as KubeObject);
  const ada: UserInfo = { name: 'ada', uid: '', groups: ['system:authenticated'], extra: {} };
  await new Promise((resolve) => setImmediate(resolve));
  const role = (resource: string, verb: string): KubeObject =>
    ({
      metadata: { namespace: 'default', name: `r-${resource}` },
      rules: [{ verbs: [verb], apiGroups: [''], resources: [resource] }],
    }) as KubeObject;
  const roles = 'roles.rbac.authorization.k8s.io';
  for (let i = 0; i < 50 && [...server.authorization.roles.grantsFor(ada, 'default')].length < 4; i += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  t.equal(await messageOf(server.create(roles, role('pods', 'get'), ada)), 'no error');
  t.equal(
    await messageOf(server.create(roles, role('nodes', 'delete'), ada)),
    '403 roles.rbac.authorization.k8s.io "r-nodes" is forbidden: user "ada" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["delete"]}',
  );
});
