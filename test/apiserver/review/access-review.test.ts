import t from 'tap';
import type { UnknownObject } from '../../../src/api/objects.ts';
import type { UserInfo } from '../../../src/apiserver/authentication/authenticator.ts';
import { ADMIN, DecisionServer, messageOf } from '../decision-server.ts';

const NODE: UserInfo = {
  name: 'system:node:w1',
  uid: '',
  groups: ['system:nodes', 'system:authenticated'],
  extra: { a: ['b'] },
};
const READ_SERVICES = { resourceAttributes: { verb: 'list', resource: 'services', namespace: 'default' } };

void t.test('subjectaccessreviews answer for others, and say why', async (t) => {
  const server = await DecisionServer.start();
  const review = (spec: object): Promise<UnknownObject> =>
    server.create('subjectaccessreviews.authorization.k8s.io', { spec });
  t.match(await review({ user: 'system:kube-proxy', ...READ_SERVICES }), {
    status: {
      allowed: true,
      reason:
        /^RBAC: allowed by ClusterRoleBinding "system:node-proxier" of ClusterRole "system:node-proxier" to User "system:kube-proxy"/,
    },
  });
  t.match(await review({ user: 'bob', ...READ_SERVICES }), { status: { allowed: false } });
  t.match(await review({ groups: ['system:authenticated'], nonResourceAttributes: { verb: 'get', path: '/api/v1' } }), {
    status: { allowed: true },
  });
  t.match(
    await messageOf(review({ user: 'bob' })),
    /^422 .*exactly one of nonResourceAttributes or resourceAttributes must be specified/,
  );
  t.match(await messageOf(review(READ_SERVICES)), /^422 .*at least one of user or group must be specified/);
});

void t.test('localsubjectaccessreviews stay in their namespace', async (t) => {
  const server = await DecisionServer.start();
  const review = (namespace: string): Promise<UnknownObject> =>
    server.create('localsubjectaccessreviews.authorization.k8s.io', {
      metadata: { namespace },
      spec: { user: 'bob', ...READ_SERVICES },
    });
  t.match(await review('default'), { status: { allowed: false } });
  t.match(await messageOf(review('kube-system')), /^422 .*must match metadata.namespace/);
});

void t.test('self reviews answer for whoever asks', async (t) => {
  const server = await DecisionServer.start();
  const access = { spec: READ_SERVICES };
  t.match(await server.create('selfsubjectaccessreviews.authorization.k8s.io', access, NODE), {
    status: { allowed: true },
  });
  t.match(await server.create('selfsubjectreviews.authentication.k8s.io', {}, NODE), {
    status: {
      userInfo: { username: 'system:node:w1', groups: ['system:nodes', 'system:authenticated'], extra: { a: ['b'] } },
    },
  });
  const rules = await server.create<UnknownObject>(
    'selfsubjectrulesreviews.authorization.k8s.io',
    { spec: { namespace: 'default' } },
    ADMIN,
  );
  t.match(rules['status'], {
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    incomplete: false,
  });
});

void t.test('tokenreviews say of a bad token that it is bad', async (t) => {
  const server = await DecisionServer.start();
  const reviews = 'tokenreviews.authentication.k8s.io';
  t.match(await server.create(reviews, { spec: { token: 'x' } }), {
    status: { user: {}, error: 'invalid bearer token' },
  });
  t.equal(
    await messageOf(server.create(reviews, { spec: {} })),
    '400 token is required for TokenReview in authentication',
  );
});
