import t from 'tap';
import type { KubeObject, Pod, UnknownObject } from '../../../src/api/objects.ts';
import { ACCOUNT, DecisionServer, POD, messageOf } from '../decision-server.ts';

void t.test('a service account token is bound to its pod and ends with it', async (t) => {
  const server = await DecisionServer.start();
  await server.create('serviceaccounts', ACCOUNT);
  const pod = await server.create<Pod>('pods', POD);
  const uid = pod.metadata?.uid ?? '';
  const spec = { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid }, expirationSeconds: 600 };
  const answer = await server.subresource('serviceaccounts', 'default', 'token', { spec });
  const { token } = answer['status'] as { token: string };
  t.match(await server.authenticate(`Bearer ${token}`), {
    name: 'system:serviceaccount:default:default',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/pod-name': ['web'] },
  });
  const review = await server.create<UnknownObject>('tokenreviews.authentication.k8s.io', {
    spec: { token },
  });
  t.match(review['status'], { authenticated: true, user: { username: 'system:serviceaccount:default:default' } });
  const forged = `${token.slice(0, -4)}AAAA`;
  t.equal(await messageOf(server.authenticate(`Bearer ${forged}`)), '401 Unauthorized');
  t.equal(await messageOf(server.authenticate('Bearer nonsense')), '401 Unauthorized');
  t.match(await server.authenticate(''), { name: 'system:anonymous' });
  t.equal(
    await messageOf(server.subresource('serviceaccounts', 'default', 'token', { spec: { expirationSeconds: 5 } })),
    '422 TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes',
  );
  await server.delete('pods', 'default', 'web');
  t.equal(await messageOf(server.authenticate(`Bearer ${token}`)), '401 Unauthorized', 'its pod is gone');
});

void t.test('a bootstrap token is good until it expires', async (t) => {
  const server = await DecisionServer.start();
  const secret = (expiration: string): KubeObject =>
    ({
      metadata: { namespace: 'kube-system', name: 'bootstrap-token-abcdef' },
      type: 'bootstrap.kubernetes.io/token',
      stringData: {
        'token-id': 'abcdef',
        'token-secret': '0123456789abcdef',
        'usage-bootstrap-authentication': 'true',
        'auth-extra-groups': 'system:bootstrappers:bramble:worker',
        expiration,
      },
    }) as KubeObject;
  await server.create('secrets', secret('2100-01-01T00:00:00Z'));
  t.match(await server.authenticate('Bearer abcdef.0123456789abcdef'), {
    name: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:bootstrappers:bramble:worker', 'system:authenticated'],
  });
  t.equal(await messageOf(server.authenticate('Bearer abcdef.0123456789abcdee')), '401 Unauthorized');
  await server.delete('secrets', 'kube-system', 'bootstrap-token-abcdef');
  await server.create('secrets', secret('2020-01-01T00:00:00Z'));
  t.equal(await messageOf(server.authenticate('Bearer abcdef.0123456789abcdef')), '401 Unauthorized', 'expired');
});
