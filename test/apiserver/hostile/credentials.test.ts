import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import t from 'tap';
import { createAuthority, createKey, issue } from '../../../src/host/pki.ts';
import { call, type Answer } from '../http-client.ts';
import { startTestCluster, type TestCluster } from '../test-cluster.ts';

t.setTimeout(120_000); // of a loaded machine; alone it takes seconds

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const NODES = '/api/v1/nodes';
const SECRETS = '/api/v1/namespaces/kube-system/secrets';
const DAY_MS = 86_400_000;

interface Claims {
  readonly iss: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly uid: string;
  readonly name: string;
}

async function jwt(keyPem: string, uid: string, changes: Partial<Claims> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const { iss, aud, exp, name } = { iss: ISSUER, aud: [ISSUER], exp: now + 600, name: 'robot', ...changes };
  const serviceaccount = { name, uid: changes.uid ?? uid };
  const claims = { 'kubernetes.io': { namespace: 'default', serviceaccount }, nbf: now - 60, iat: now - 60 };
  return new SignJWT({ ...claims, iss, aud: [...aud], exp, sub: `system:serviceaccount:default:${name}` })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(createPrivateKey(keyPem));
}

const anonymous = (cluster: TestCluster, authorization: string): Promise<Answer> =>
  call(cluster, 'GET', NODES, { identity: null, headers: { authorization } });

void t.test(
  'credentials that are expired, forged or of another cluster get 401, and their like that is good does not',
  async (t) => {
    const cluster = await startTestCluster();
    t.teardown(() => cluster.close());
    await cluster.kubectl(['wait', '--for=jsonpath={.status.phase}=Active', 'ns/default', '--timeout=10s']);
    const made = await cluster.kubectl(['create', 'serviceaccount', 'robot', '-o', 'jsonpath={.metadata.uid}']);
    const uid = made.trim();
    const keyPem = await readFile(join(cluster.folder, 'sa.key'), 'utf8');
    const good = await jwt(keyPem, uid);
    const [head = '', body = '', signature = ''] = good.split('.');
    const altered = Buffer.from(Buffer.from(body, 'base64url').toString().replace('robot', 'admin')).toString(
      'base64url',
    );

    t.equal((await anonymous(cluster, `Bearer ${good}`)).code, 403, 'a token of this cluster: known, and may not');
    const tokens: readonly [what: string, token: string][] = [
      ['expired', await jwt(keyPem, uid, { exp: Math.floor(Date.now() / 1000) - 60 })],
      ['of another key', await jwt(await createKey(), uid)],
      ['of another issuer', await jwt(keyPem, uid, { iss: 'https://elsewhere' })],
      ['for another audience', await jwt(keyPem, uid, { aud: ['vault'] })],
      ['of an account that was made anew', await jwt(keyPem, uid, { uid: 'other' })],
      ['of an account that never was', await jwt(keyPem, uid, { name: 'nobody' })],
      ['with another body', `${head}.${altered}.${signature}`],
      ['without signature', `${head}.${body}.`],
      ['of no algorithm', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`],
      ['with half a signature', `${head}.${body}.${signature.slice(0, 20)}`],
      ['of 100 KB', `${head}.${body}.${'a'.repeat(50_000)}`],
      ['of nothing but dots', '...'],
    ];
    for (const [what, token] of tokens) {
      const { code, json } = await anonymous(cluster, `Bearer ${token}`);
      t.equal(code, 401, what);
      t.match(json, { kind: 'Status', status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 });
    }
    for (const scheme of ['Basic YTpi', 'Negotiate abc', 'Bearer', 'Bearer '])
      t.equal((await anonymous(cluster, scheme)).code, 403, `${scheme}: nobody at all, as upstream has it`);
  },
);

void t.test('certificates that are expired, not yet valid or of another authority get 401', async (t) => {
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  const caPem = await readFile(join(cluster.folder, 'ca.crt'), 'utf8');
  t.equal(caPem, cluster.ca);
  const authority = await createAuthority('kubernetes', Date.now());
  const subject = { commonName: 'kubernetes-admin', organizations: ['system:masters'] };
  const forged = await issue({ authority, subject, usages: ['client'], lifetimeMs: DAY_MS, nowMs: Date.now() });
  const expired = await cluster.issueClient('kubernetes-admin', ['system:masters'], -0.001);
  const named = await cluster.issueClient('', ['system:masters']);

  t.equal((await call(cluster, 'GET', NODES)).code, 200);
  t.equal((await call(cluster, 'GET', NODES, { identity: forged })).code, 401, 'of an authority of the same name');
  t.equal((await call(cluster, 'GET', NODES, { identity: expired })).code, 401, 'expired');
  t.equal((await call(cluster, 'GET', NODES, { identity: named })).code, 403, 'of nobody');
});

void t.test('bootstrap tokens that are expired, malformed, for another use or another cluster get 401', async (t) => {
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  await cluster.kubectl(['wait', '--for=jsonpath={.status.phase}=Active', 'ns/kube-system', '--timeout=10s']);
  const make = async (id: string, changes: Record<string, string> = {}, type = 'bootstrap.kubernetes.io/token') => {
    const stringData = {
      'token-id': id,
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-authentication': 'true',
      expiration: '2100-01-01T00:00:00Z',
      ...changes,
    };
    const body = { metadata: { name: `bootstrap-token-${id}` }, type, stringData };
    t.equal((await call(cluster, 'POST', SECRETS, { body })).code, 201, id);
  };
  await make('good00');
  await make('old000', { expiration: '2020-01-01T00:00:00Z' });
  await make('when00', { expiration: 'tomorrow' });
  await make('sign00', { 'usage-bootstrap-authentication': 'false' });
  await make('other0', { 'token-id': 'good00' });
  await make('group0', { 'auth-extra-groups': 'system:masters' });
  await make('opaque', {}, 'Opaque');
  const code = async (token: string): Promise<number> => (await anonymous(cluster, `Bearer ${token}`)).code;

  t.equal(await code('good00.0123456789abcdef'), 403, 'a token of this cluster: known, and may not');
  for (const token of [
    ...['old000', 'when00', 'sign00', 'other0', 'group0', 'opaque', 'never0'].map((id) => `${id}.0123456789abcdef`),
    'good00.0123456789abcdee',
    'good00.',
    'good00.0123456789abcdef0',
    'GOOD00.0123456789abcdef',
    'good0/.0123456789abcdef',
  ])
    t.equal(await code(token), 401, token);
});
