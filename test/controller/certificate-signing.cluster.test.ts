import { spawnSync } from 'node:child_process';
import t from 'tap';
import type { CertificateSigningRequest, Secret } from '../../src/api/objects.ts';
import { createHttpApiClient, type HttpApiClient } from '../../src/client/http-api-client.ts';
import { certificateSigningRequests, nodes, secrets } from '../../src/client/resources.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { createKey, createSigningRequest, readCertificate } from '../../src/host/pki.ts';
import { readyNode } from './fake-boards.ts';
import { type RealCluster, startRealCluster, until } from './real-cluster.ts';

const LONG = {
  skip: spawnSync('kubectl', ['version', '--client']).status === 0 ? false : 'there is no kubectl',
  timeout: 100_000,
};
t.setTimeout(LONG.timeout);

async function clientAs({ api }: RealCluster, name: string, groups: string[]): Promise<HttpApiClient> {
  const { certPem: cert, keyPem: key } = await api.issueClient(name, groups);
  const config = { servers: [api.url], files: [], load: async () => ({ ca: api.ca, cert, key }) };
  return createHttpApiClient({ config, userAgent: 'bramble-test', log: silentLog });
}

interface Wanted {
  readonly commonName?: string;
  readonly organizations?: readonly string[];
  readonly altNames?: readonly string[];
  readonly seconds?: number;
}

/** @param signer without `kubernetes.io/` */
async function request(name: string, signer: string, wanted: Wanted = {}): Promise<CertificateSigningRequest> {
  const { commonName = 'system:node:w1', organizations = ['system:nodes'], altNames = [], seconds } = wanted;
  const pem = await createSigningRequest(await createKey(), { commonName, organizations }, altNames);
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      signerName: `kubernetes.io/${signer}`,
      request: Buffer.from(pem).toString('base64'),
      usages: ['digital signature', signer === 'kubelet-serving' ? 'server auth' : 'client auth'],
      ...(seconds === undefined ? {} : { expirationSeconds: seconds }),
    },
  };
}

void t.test('certificates are approved, signed and refused', LONG, async (t) => {
  const cluster = await startRealCluster(t, { boards: [] });
  const { admin, kubectl } = cluster;
  const bootstrap = await clientAs(cluster, 'system:bootstrap:abcdef', [
    'system:bootstrappers',
    'system:bootstrappers:bramble:worker',
  ]);
  const board = await clientAs(cluster, 'system:node:w1', ['system:nodes']);
  t.teardown(() => {
    bootstrap.close();
    board.close();
  });
  const get = async (name: string) => admin.get(certificateSigningRequests, '', name);
  const certificateOf = async (name: string) => {
    await until(async () => (await get(name)).status?.certificate !== undefined, 10_000);
    return readCertificate(Buffer.from((await get(name)).status?.certificate ?? '', 'base64').toString('utf8'));
  };
  const types = async (name: string) => (await get(name)).status?.conditions?.map(({ type }) => type) ?? [];
  const settled = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 700));
  const group = 'rbac.authorization.k8s.io';
  await cluster.apply(
    ...['system:certificates.k8s.io:certificatesigningrequests:nodeclient', 'system:node-bootstrapper'].map(
      (name, index) => ({
        apiVersion: `${group}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name: `test-${index}` },
        roleRef: { apiGroup: group, kind: 'ClusterRole', name },
        subjects: [{ kind: 'Group', apiGroup: group, name: 'system:bootstrappers' }],
      }),
    ),
  );

  await t.test('a board’s first client certificate by its token, and its renewal by itself', async (t) => {
    await bootstrap.create(certificateSigningRequests, await request('first', 'kube-apiserver-client-kubelet'));
    t.equal((await certificateOf('first')).subject.commonName, 'system:node:w1');
    t.match((await get('first')).status?.conditions, [
      { type: 'Approved', reason: 'AutoApproved', message: /^Auto approving kubelet client certificate/ },
    ]);
    await admin.create(nodes, readyNode('w1', '192.0.2.7'));
    const renewal = await request('renewal', 'kube-apiserver-client-kubelet', { seconds: 3_600 });
    await board.create(certificateSigningRequests, renewal);
    const leftMs = (await certificateOf('renewal')).notAfterMs - Date.now();
    t.ok(leftMs > 3_500_000 && leftMs <= 3_600_000, `${leftMs} ms`);
  });

  await t.test('serving certificates for a board’s own names only', async (t) => {
    const own = await request('own', 'kubelet-serving', { altNames: ['w1', '192.0.2.7'] });
    await board.create(certificateSigningRequests, own);
    await certificateOf('own');
    const foreign = await request('foreign', 'kubelet-serving', { altNames: ['w1', '192.0.2.8'] });
    await board.create(certificateSigningRequests, foreign);
    const stolen = await request('stolen', 'kubelet-serving', { altNames: ['w1'] });
    await admin.create(certificateSigningRequests, stolen);
    await settled();
    t.same(await types('foreign'), []);
    t.same(await types('stolen'), [], 'asked for by someone else');
  });

  await t.test('kubectl certificate approve and deny', async (t) => {
    const person = { commonName: 'jane', organizations: ['dev'], seconds: 86_400 };
    await admin.create(certificateSigningRequests, await request('jane', 'kube-apiserver-client', person));
    await settled();
    t.same(await types('jane'), []);
    await kubectl('certificate', 'approve', 'jane');
    t.equal((await certificateOf('jane')).subject.commonName, 'jane');
    t.match(await kubectl('get', 'csr', 'jane'), /Approved,Issued/);
    await admin.create(certificateSigningRequests, await request('joe', 'kube-apiserver-client', person));
    await kubectl('certificate', 'deny', 'joe');
    await settled();
    t.same(await types('joe'), ['Denied']);
    t.equal((await get('joe')).status?.certificate, undefined);
  });

  await t.test('what its signer does not sign fails, though a person approved it', async (t) => {
    const wrong = await request('wrong', 'kubelet-serving', { organizations: ['dev'], altNames: ['w1'] });
    await admin.create(certificateSigningRequests, wrong);
    await kubectl('certificate', 'approve', 'wrong');
    await until(async () => (await types('wrong')).includes('Failed'));
    t.match(
      (await get('wrong')).status?.conditions?.find(({ type }) => type === 'Failed'),
      {
        status: 'True',
        reason: 'SignerValidationFailure',
        message: 'subject organization is not system:nodes',
      },
    );
    t.match(await kubectl('get', 'csr', 'wrong'), /Approved,Failed/);
  });
});

function token(id: string, expiration: string): Secret {
  const secret = { 'token-id': id, 'token-secret': '0123456789abcdef' };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'bootstrap.kubernetes.io/token',
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    stringData: expiration === '' ? secret : { ...secret, expiration },
  };
}

void t.test('requests and bootstrap tokens are cleared away in their time', LONG, async (t) => {
  let aheadMs = 0;
  const slept: number[] = [];
  const clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + aheadMs,
    sleepMs: async (ms: number, signal: AbortSignal) => {
      slept.push(ms);
      return systemClock.sleepMs(ms, signal);
    },
  };
  const { admin, kubectl, restart } = await startRealCluster(t, { boards: [], controllers: { clock } });
  const names = async () => (await admin.list(certificateSigningRequests)).items.map(({ metadata }) => metadata?.name);
  const tokens = async () =>
    (await admin.list(secrets, { namespace: 'kube-system' })).items.map(({ metadata }) => metadata?.name?.slice(-6));
  await admin.create(secrets, token('aaaaaa', new Date(Date.now() + 2_500).toISOString()));
  await admin.create(secrets, token('bbbbbb', new Date(Date.now() + 60 * 86_400_000).toISOString()));
  await admin.create(secrets, token('cccccc', ''));
  await until(async () => (await tokens()).length === 2, 8_000);
  t.same(new Set(await tokens()), new Set(['bbbbbb', 'cccccc']));
  t.ok(Math.max(...slept) < 2 ** 31, 'no timer is longer than a timer can be: it would end at once, again and again');

  await admin.create(certificateSigningRequests, await request('pending', 'kube-apiserver-client'));
  await admin.create(certificateSigningRequests, await request('done', 'kube-apiserver-client'));
  await kubectl('certificate', 'approve', 'done');
  aheadMs = 61 * 60_000;
  await restart();
  await until(async () => (await names()).length === 1);
  t.same(await names(), ['pending']);
  aheadMs = 24 * 3_600_000 + 60_000;
  await restart();
  await until(async () => (await names()).length === 0);
});
