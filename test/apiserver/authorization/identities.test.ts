import t from 'tap';
import type { KubeObject, PolicyRule } from '../../../src/api/objects.ts';
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  ROLE_BINDINGS,
  ROLES,
} from '../../../src/apiserver/authorization/bootstrap/bootstrap-policy.ts';
import { RoleIndex } from '../../../src/apiserver/authorization/role-index.ts';

const index = new RoleIndex();
const fill = <T extends KubeObject>(table: Map<string, T>, objects: readonly T[]): void => {
  for (const object of objects) table.set(`${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`, object);
};
fill(index.clusterRoles, CLUSTER_ROLES);
fill(index.clusterRoleBindings, CLUSTER_ROLE_BINDINGS);
fill(index.roles, ROLES);
fill(index.roleBindings, ROLE_BINDINGS);
index.invalidate();

const NAMESPACES = ['', 'default', 'kube-system', 'kube-public'];

/** All that RBAC gives somebody beyond what everybody has, as `namespace: verbs resources [names]`. */
function rightsOf(name: string, ...groups: string[]): string[] {
  const everybody = { name: 'ann', uid: '', groups: ['system:authenticated'], extra: {} };
  const user = { name, uid: '', groups: [...groups, 'system:authenticated'], extra: {} };
  const found = new Set<string>();
  for (const namespace of NAMESPACES) {
    const clusterWide = new Set(namespace === '' ? [] : [...index.grantsFor(user, '')].map(({ reason }) => reason));
    const common = new Set([...index.grantsFor(everybody, namespace)].map(({ reason }) => reason));
    for (const { rules, reason } of index.grantsFor(user, namespace))
      if (!clusterWide.has(reason) && !common.has(reason))
        for (const rule of rules) found.add(`${namespace || 'all'}: ${textOf(rule)}`);
  }
  return [...found].sort();
}

function textOf({ verbs, apiGroups = [], resources = [], resourceNames, nonResourceURLs }: PolicyRule): string {
  const what =
    nonResourceURLs ??
    resources.flatMap((resource) => apiGroups.map((group) => (group === '' ? resource : `${resource}.${group}`)));
  return `${verbs.join(',')} ${what.join(',')}${resourceNames === undefined ? '' : ` [${resourceNames.join(',')}]`}`;
}

const CSR = 'certificatesigningrequests';
const JOIN = [
  `all: create ${CSR}/nodeclient.certificates.k8s.io`,
  `all: create,get,list,watch ${CSR}.certificates.k8s.io`,
  'kube-public: get configmaps [cluster-info]',
];

// A change here is a change of what a stolen token, certificate or board is worth: SECURITY.md says the same in words.
void t.test("a worker's token is good for one thing: a certificate of a Node", (t) => {
  const groups = ['system:bootstrappers', 'system:bootstrappers:bramble:worker'];
  t.same(rightsOf('system:bootstrap:abcdef', ...groups), JOIN);
  t.end();
});

void t.test("a control board's token also reads the one Secret with the control boards' keys", (t) => {
  const groups = ['system:bootstrappers', 'system:bootstrappers:bramble:control'];
  t.same(
    rightsOf('system:bootstrap:abcdef', ...groups),
    [...JOIN, 'kube-system: get secrets [bramble-control-keys]'].sort(),
  );
  t.end();
});

void t.test(
  "RBAC gives a node what its proxy and DNS follow, and its own slice; the rest is the Node authorizer's",
  (t) => {
    t.same(rightsOf('system:node:w1', 'system:nodes'), [
      `all: create ${CSR}/selfnodeclient.certificates.k8s.io`,
      'all: get,list,watch endpoints,namespaces,nodes,services',
      'all: get,list,watch endpointslices.discovery.k8s.io',
      'kube-system: create,delete,get,patch,update endpointslices.discovery.k8s.io',
    ]);
    t.end();
  },
);

void t.test('control boards, and nobody, have what they are known to have', (t) => {
  t.same(rightsOf('system:bramble:control', 'system:bramble:control-boards'), [
    'kube-system: create leases.coordination.k8s.io',
    'kube-system: get,list,update,watch leases.coordination.k8s.io [bramble-api-address]',
  ]);
  t.same(rightsOf('kube-apiserver-kubelet-client'), [
    'all: * nodes/configz,nodes/healthz,nodes/log,nodes/metrics,nodes/pods,nodes/proxy,nodes/stats',
    'all: get,list,watch nodes',
    'all: proxy nodes',
  ]);
  t.same(rightsOf('front-proxy-client'), []);
  t.same(rightsOf('kube-apiserver-etcd-client'), []);
  t.end();
});

void t.test('the scheduler reads no Secret and writes nothing but bindings, pod status, events and leases', (t) => {
  const rights = rightsOf('system:kube-scheduler');
  t.notOk(rights.some((one) => one.includes('secrets') || one.includes('*')));
  t.same(
    rights.filter((one) => one.includes('leases') && !one.includes('[kube-scheduler]')),
    ['all: create leases.coordination.k8s.io', 'kube-system: create leases.coordination.k8s.io'],
    'and holds no Lease but its own',
  );
  const writes = rights.filter((one) => /create|update|patch|delete/.test(one));
  t.same(
    writes.filter((one) => !/bindings|pods\/status|events|leases|reviews|configmaps \[kube-scheduler\]/.test(one)),
    ['all: delete,get,list,watch pods'],
    'and preempts',
  );
  t.end();
});
