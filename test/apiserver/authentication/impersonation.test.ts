import t from 'tap';
import { StatusError } from '../../../src/api/status.ts';
import {
  alwaysAllow,
  type AuthorizationAttributes,
  type Authorizer,
} from '../../../src/apiserver/authorization/authorizer.ts';
import { impersonate } from '../../../src/apiserver/authentication/impersonation.ts';

const ADA = { name: 'ada', uid: '', groups: ['system:authenticated'], extra: {} };
const signal = new AbortController().signal;

void t.test('impersonate() asks for each thing that is taken on', async (t) => {
  const asked: string[] = [];
  const authorizer: Authorizer = {
    authorize: ({ resource, subresource, namespace, name }: AuthorizationAttributes) => {
      asked.push([resource, subresource, namespace, name].filter(Boolean).join('/'));
      return Promise.resolve({ result: 'allow', reason: '' });
    },
  };
  const headers = {
    'impersonate-user': 'bob',
    'impersonate-group': 'a, b',
    'impersonate-uid': '7',
    'impersonate-extra-scopes': 'x',
  };
  t.match(await impersonate(ADA, headers, authorizer, signal), {
    name: 'bob',
    uid: '7',
    groups: ['a', 'b', 'system:authenticated'],
    extra: { scopes: ['x'] },
  });
  t.same(asked, ['users/bob', 'groups/a', 'groups/b', 'uids/7', 'userextras/scopes/x']);
});

void t.test('impersonate() gives a service account its groups, and refuses what is not allowed', async (t) => {
  const robot = { 'impersonate-user': 'system:serviceaccount:a:robot' };
  t.match(await impersonate(ADA, robot, alwaysAllow, signal), {
    groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
  });
  t.equal(await impersonate(ADA, {}, alwaysAllow, signal), null);
  const never: Authorizer = { authorize: () => Promise.resolve({ result: 'no-opinion', reason: '' }) };
  const error = await impersonate(ADA, { 'impersonate-user': 'bob' }, never, signal).catch((reason: unknown) => reason);
  t.ok(error instanceof StatusError);
  t.match(error, {
    message:
      'users "bob" is forbidden: User "ada" cannot impersonate resource "users" in API group "" at the cluster scope',
    code: 403,
  });
});

void t.test('impersonate() takes a key with a broken escape as it stands', async (t) => {
  const headers = { 'impersonate-user': 'bob', 'impersonate-extra-a%2fb': 'x', 'impersonate-extra-%zz': 'y' };
  t.match(await impersonate(ADA, headers, alwaysAllow, signal), { extra: { 'a/b': ['x'], '%zz': ['y'] } });
});
