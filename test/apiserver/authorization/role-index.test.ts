import t from 'tap';
import { RoleIndex } from '../../../src/apiserver/authorization/role-index.ts';
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  ROLE_BINDINGS,
  ROLES,
} from '../../../src/apiserver/authorization/bootstrap/bootstrap-policy.ts';
import { rbacAuthorizer } from '../../../src/apiserver/authorization/rbac-authorizer.ts';
import type { AuthorizationAttributes } from '../../../src/apiserver/authorization/authorizer.ts';
import type { KubeObject, Role, RoleBinding } from '../../../src/api/objects.ts';

const signal = new AbortController().signal;

function bootstrapIndex(): RoleIndex {
  const index = new RoleIndex();
  const fill = <T extends KubeObject>(table: Map<string, T>, objects: readonly T[]): void => {
    for (const object of objects)
      table.set(`${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`, object);
  };
  fill(index.clusterRoles, CLUSTER_ROLES);
  fill(index.clusterRoleBindings, CLUSTER_ROLE_BINDINGS);
  fill(index.roles, ROLES);
  fill(index.roleBindings, ROLE_BINDINGS);
  index.invalidate();
  return index;
}

interface Ask {
  readonly user: string;
  readonly groups?: readonly string[];
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

function request({ user, groups = [], ...rest }: Ask): AuthorizationAttributes {
  const asked = { group: '', subresource: '', namespace: '', name: '', ...rest };
  return {
    user: { name: user, uid: '', groups, extra: {} },
    isResourceRequest: true,
    version: 'v1',
    path: '',
    ...asked,
  };
}

const CONTROL_TOKEN = ['system:bootstrappers', 'system:bootstrappers:bramble:control', 'system:authenticated'];
const WORKER_TOKEN = ['system:bootstrappers', 'system:bootstrappers:bramble:worker', 'system:authenticated'];
const NODE = ['system:nodes', 'system:authenticated'];
const CSR = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests' };
const KEYS = { verb: 'get', resource: 'secrets', namespace: 'kube-system', name: 'bramble-control-keys' };

void t.test('rbacAuthorizer() over the bootstrap policy gives each identity what it needs and no more', async (t) => {
  const authorizer = rbacAuthorizer(bootstrapIndex());
  const table: readonly (Ask & { readonly allowed: boolean })[] = [
    { user: 'system:bootstrap:abcdef', groups: CONTROL_TOKEN, ...KEYS, allowed: true },
    { user: 'system:bootstrap:abcdef', groups: WORKER_TOKEN, ...KEYS, allowed: false },
    { user: 'system:bootstrap:abcdef', groups: WORKER_TOKEN, verb: 'create', ...CSR, allowed: true },
    {
      user: 'system:bootstrap:abcdef',
      groups: WORKER_TOKEN,
      verb: 'create',
      ...CSR,
      subresource: 'nodeclient',
      allowed: true,
    },
    {
      user: 'system:bootstrap:abcdef',
      groups: WORKER_TOKEN,
      verb: 'create',
      ...CSR,
      subresource: 'selfnodeclient',
      allowed: false,
    },
    { user: 'system:node:w1', groups: NODE, verb: 'create', ...CSR, subresource: 'selfnodeclient', allowed: true },
    { user: 'system:node:w1', groups: NODE, verb: 'watch', resource: 'services', allowed: true },
    {
      user: 'system:node:w1',
      groups: NODE,
      verb: 'get',
      resource: 'secrets',
      namespace: 'a',
      name: 'x',
      allowed: false,
    },
    {
      user: 'system:kube-scheduler',
      verb: 'create',
      resource: 'pods',
      subresource: 'binding',
      namespace: 'a',
      allowed: true,
    },
    { user: 'system:kube-scheduler', verb: 'get', resource: 'secrets', namespace: 'a', name: 'x', allowed: false },
    { user: 'system:kube-controller-manager', verb: 'create', resource: 'pods', namespace: 'a', allowed: true },
    {
      user: 'system:anonymous',
      verb: 'get',
      resource: 'configmaps',
      namespace: 'kube-public',
      name: 'cluster-info',
      allowed: true,
    },
    {
      user: 'system:anonymous',
      verb: 'get',
      resource: 'configmaps',
      namespace: 'kube-public',
      name: 'other',
      allowed: false,
    },
  ];
  for (const { allowed, ...ask } of table) {
    const { result } = await authorizer.authorize(request(ask), signal);
    t.equal(result, allowed ? 'allow' : 'no-opinion', JSON.stringify(ask));
  }
});

void t.test('RoleIndex resolves roles that aggregate roles: admin has what edit and view have', async (t) => {
  const index = bootstrapIndex();
  index.roleBindings.set('a/owner', {
    metadata: { namespace: 'a', name: 'owner' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
    subjects: [{ kind: 'User', name: 'ada' }],
  } as RoleBinding);
  index.invalidate();
  const authorizer = rbacAuthorizer(index);
  for (const [verb, resource, group] of [
    ['get', 'pods', ''],
    ['create', 'secrets', ''],
    ['create', 'roles', 'rbac.authorization.k8s.io'],
  ] as const) {
    const ask = { user: 'ada', verb, resource, group };
    t.equal((await authorizer.authorize(request({ ...ask, namespace: 'a' }), signal)).result, 'allow', resource);
    t.equal(
      (await authorizer.authorize(request({ ...ask, namespace: 'b' }), signal)).result,
      'no-opinion',
      'elsewhere',
    );
  }
});

void t.test('RoleIndex counts a service account as the user of its name', async (t) => {
  const index = new RoleIndex();
  index.roles.set('a/read', {
    metadata: {},
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods/log'] }],
  } as Role);
  index.roleBindings.set('a/read', {
    metadata: { namespace: 'a', name: 'read' },
    roleRef: { apiGroup: '', kind: 'Role', name: 'read' },
    subjects: [{ kind: 'ServiceAccount', name: 'robot' }],
  } as RoleBinding);
  const ask = { user: 'system:serviceaccount:a:robot', verb: 'get', resource: 'pods', namespace: 'a' };
  const authorizer = rbacAuthorizer(index);
  t.equal((await authorizer.authorize(request({ ...ask, subresource: 'log' }), signal)).result, 'allow');
  t.equal((await authorizer.authorize(request(ask), signal)).result, 'no-opinion', 'a subresource is not its resource');
});
