import { createHttpApiClient } from '../../src/client/http-api-client.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { createTestPki, serveApi } from '../fake/api-server.ts';
import { runContract } from './api-client.contract.ts';

runContract('the fake', async () => ({ client: createFakeApiClient() }));

runContract('the HTTP client, before the fake served over TLS', async () => {
  const pki = await createTestPki();
  const server = await serveApi(createFakeApiClient(), pki);
  const config = { servers: [server.url], files: [], load: async () => ({ ca: pki.ca }) };
  const client = createHttpApiClient({ config, userAgent: 'test', log: silentLog });
  return {
    client,
    close: async () => {
      client.close();
      await server.close();
    },
  };
});
