import t from 'tap';
import { StatusError } from '../../src/api/status.ts';
import type { ApiClient } from '../../src/client/api-client.ts';
import { Credentials } from '../../src/client/credentials.ts';
import { serviceAccountConfig } from '../../src/client/service-account-config.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { createFakeClock } from '../fake/clock.ts';

const CONFIG = { servers: ['https://a:6443'], files: [], load: async () => ({ ca: 'CA', cert: 'C', key: 'K' }) };
const HALF_HOUR_MS = 1_800_000;

/** An API that numbers the tokens it gives, to accounts that are there. */
function tokenApi(): { client: ApiClient; made: string[] } {
  const fake = createFakeApiClient();
  const made: string[] = [];
  let tokens = 0;
  const create: ApiClient['create'] = async (resource, object, options) => {
    if (options?.subresource !== 'token') {
      made.push(`${resource.plural} ${object.metadata?.namespace}/${object.metadata?.name}`);
      return object;
    }
    if (made.length === 0) throw new StatusError('NotFound', 'serviceaccounts "x" not found');
    const status = { token: `token-${(tokens += 1)}`, expirationTimestamp: '' };
    return { ...object, status };
  };
  return { client: Object.assign(fake, { create }), made };
}

void t.test('serviceAccountConfig() acts as an account, which it makes, with tokens that never get old', async (t) => {
  const clock = createFakeClock();
  const { client, made } = tokenApi();
  const config = serviceAccountConfig({ config: CONFIG, client, clock }, 'kube-system', 'x');
  t.same(config.servers, CONFIG.servers);
  const credentials = new Credentials(config, clock, silentLog);
  t.same(await credentials.current(), { ca: 'CA', token: 'token-1' }, 'and without the certificate');
  t.same(made, ['serviceaccounts kube-system/x']);
  await clock.advance(60_000);
  t.equal((await credentials.current()).token, 'token-1');
  await clock.advance(HALF_HOUR_MS);
  t.equal((await credentials.current()).token, 'token-2', 'renewed at half of its life');
  credentials.expire();
  t.equal((await credentials.current()).token, 'token-3', 'and when it was refused');
});
