import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { KubeObject } from '../../../src/api/objects.ts';
import type { Resource } from '../../../src/client/api-client.ts';
import { createAuthority } from '../../../src/host/pki.ts';
import { FakeApiClient } from '../../fake/api-client.ts';
import { fakeView } from './fake-view.ts';
import { certificateOf, serveKubelet } from './served-kubelet.ts';

/** Knows the token `good`, of `metrics`, who may read statistics. */
class ReviewingClient extends FakeApiClient {
  readonly asked: string[] = [];

  override async create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const { spec } = object as unknown as { spec: Record<string, unknown> };
    if (resource.kind === 'TokenReview') {
      const isGood = spec['token'] === 'good';
      const user = isGood ? { username: 'metrics', groups: ['system:authenticated'] } : {};
      this.asked.push('token');
      return { ...object, status: { authenticated: isGood, user } };
    }
    const { verb, subresource, name } = spec['resourceAttributes'] as Record<string, string>;
    this.asked.push(`${String(spec['user'])} ${verb} nodes/${subresource} ${name}`);
    return { ...object, status: { allowed: verb === 'get' && subresource === 'stats' } };
  }
}

void t.test('the kubelet server', async (t) => {
  const client = new ReviewingClient(() => new Date());
  const served = await serveKubelet(fakeView(), client);
  t.teardown(async () => served.close());
  const { authority } = served;

  await t.test('knows administrators by their certificate and asks nobody', async (t) => {
    t.same(await served.get('/healthz'), { code: 200, text: 'ok', type: 'text/plain' });
    t.match(JSON.parse((await served.get('/pods')).text), { kind: 'PodList', items: [{ metadata: { name: 'web' } }] });
    t.equal((await served.get('/nothing')).code, 404);
    t.same(client.asked, []);
  });

  await t.test('serves metrics under the paths of upstream', async (t) => {
    t.match((await served.get('/metrics')).text, /^kubelet_evictions\{eviction_signal="memory.available"\} 2$/m);
    t.match((await served.get('/metrics')).text, /^kubernetes_build_info\{git_version="v1\.36\.0\+bramble",/m);
    t.match((await served.get('/metrics')).text, /^kubelet_runtime_operations_total\{operation_type="version"\} 1$/m);
    for (const path of ['/metrics/probes', '/metrics/resource', '/metrics/cadvisor'])
      t.equal((await served.get(path)).code, 200, path);
    t.equal((await served.get('/metrics/none')).code, 404);
  });

  await t.test('refuses who shows nothing, a certificate of another authority, or a token that is none', async (t) => {
    const nobody = { ca: authority.certPem };
    const other = await createAuthority('kubernetes', Date.now());
    const forged = { ...(await certificateOf(other, 'admin', ['system:masters'])), ca: authority.certPem };
    t.match(await served.get('/healthz', { tls: nobody }), { code: 401, text: 'Unauthorized' });
    t.match(await served.get('/healthz', { tls: forged }), { code: 401 });
    const headers = { authorization: 'Bearer bad' };
    t.match(await served.get('/healthz', { tls: nobody, headers }), { code: 401 });
  });

  await t.test('asks the API server what others may do, once', async (t) => {
    client.asked.length = 0;
    const options = { tls: { ca: authority.certPem }, headers: { authorization: 'Bearer good' } };
    t.not((await served.get('/stats/summary', options)).code, 403);
    t.not((await served.get('/stats/summary', options)).code, 401);
    t.same(client.asked, ['token', 'metrics get nodes/stats w1']);
    const refused = await served.get('/pods', options);
    t.equal(refused.code, 403);
    t.equal(refused.text, 'Forbidden (user=metrics, verb=get, resource=nodes, subresource(s)=[pods proxy])');
    t.equal(client.asked.length, 4, 'pods, then proxy');
  });

  await t.test('a WebSocket for exec is no reading: it needs create', async (t) => {
    client.asked.length = 0;
    const tls = await certificateOf(authority, 'reader');
    await served.get('/exec/default/web/main', { tls });
    t.same(client.asked, ['reader create nodes/proxy w1']);
  });

  await t.test('serves a replaced certificate without a restart', async (t) => {
    await served.replaceCertificate('second');
    let seen: unknown;
    for (let i = 0; i < 60 && seen !== 'second'; i += 1) {
      await sleep(100);
      seen = await new Promise<unknown>((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port: served.port, ...served.admin }, () => {
          resolve(socket.getPeerCertificate().subject.CN);
          socket.end();
        });
        socket.once('error', reject);
      });
    }
    t.equal(seen, 'second');
  });

  await t.test('keeps the old certificate while the new one is half written', async (t) => {
    await writeFile(join(served.folder, 'tls.crt'), 'half');
    await sleep(2500);
    t.equal((await served.get('/healthz')).code, 200);
    await served.replaceCertificate('third');
  });
});
