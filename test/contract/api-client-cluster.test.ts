import { execFileSync } from 'node:child_process';
import t from 'tap';
import { createHttpApiClient } from '../../src/client/http-api-client.ts';
import { silentLog } from '../../src/host/log.ts';
import { startTestCluster } from '../apiserver/test-cluster.ts';
import { runContract } from './api-client.contract.ts';

function hasEtcd(): boolean {
  try {
    execFileSync('etcd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

if (hasEtcd())
  runContract('the HTTP client, before our API server over etcd', async () => {
    const cluster = await startTestCluster();
    const { certPem: cert, keyPem: key } = cluster.admin;
    const config = { servers: [cluster.url], files: [], load: async () => ({ ca: cluster.ca, cert, key }) };
    const client = createHttpApiClient({ config, userAgent: 'contract', log: silentLog });
    return {
      client,
      close: async () => {
        client.close();
        await cluster.close();
      },
    };
  });
else
  void t.test('the HTTP client before our API server', { skip: 'there is no etcd on this machine' }, () => undefined);
