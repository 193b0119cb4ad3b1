import t from 'tap';
import { requestCertificate } from '../../src/bootstrap/request-certificate.ts';
import { tokenSecret, WORKER_GROUP } from '../../src/bootstrap/publish.ts';
import { bearerOf, createToken } from '../../src/bootstrap/token.ts';
import { createHttpApiClient } from '../../src/client/http-api-client.ts';
import { certificateSigningRequests, secrets } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createKey, readCertificate } from '../../src/host/pki.ts';
import { startRealCluster, until } from './real-cluster.ts';

void t.test("a worker's token is good for a Node's certificate, but not under a name that somebody has", async (t) => {
  const { api, admin, kubectl } = await startRealCluster(t, { boards: ['w1'] });
  const token = createToken(`sha256:${'0'.repeat(64)}`);
  await admin.create(secrets, tokenSecret(token, WORKER_GROUP, 'a test'));
  const load = async () => ({ ca: api.ca, token: bearerOf(token) });
  const config = { servers: [api.url], files: [], load };
  const board = createHttpApiClient({ config, userAgent: 'test', log: silentLog });
  t.teardown(() => board.close());
  const join = async (name: string): Promise<string> =>
    requestCertificate(
      board,
      {
        keyPem: await createKey(),
        subject: { commonName: `system:node:${name}`, organizations: ['system:nodes'] },
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        usages: ['digital signature', 'client auth'],
        namePrefix: `csr-${name}-`,
      },
      AbortSignal.timeout(30_000),
    );

  t.equal(readCertificate(await join('w2')).subject.commonName, 'system:node:w2');

  const waiting = join('w1');
  const pending = async (): Promise<string | undefined> =>
    (await admin.list(certificateSigningRequests)).items.find(({ metadata }) => metadata?.name?.startsWith('csr-w1-'))
      ?.metadata?.name;
  await until(async () => (await pending()) !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const name = (await pending()) ?? '';
  t.equal(await kubectl('get', 'csr', name, '-o', 'jsonpath={.status}'), '{}', 'w1 runs: it waits for a person');
  await kubectl('certificate', 'approve', name);
  t.equal(readCertificate(await waiting).subject.commonName, 'system:node:w1', 'who said yes');

  const refused = (error: unknown): string => (error instanceof Error ? error.message : '');
  t.match(await board.list(secrets, { namespace: 'kube-system' }).catch(refused), /cannot list resource "secrets"/);
  t.match(await board.get(secrets, 'kube-system', 'bramble-control-keys').catch(refused), /cannot get resource/);
});
