import t from 'tap';
import { silentLog } from '../../src/host/log.ts';
import { countLocalReady } from '../../src/proxy/endpoint-choice.ts';
import { ServiceHealthServers } from '../../src/proxy/service-health.ts';
import { freePort } from '../fake/free-port.ts';
import { slice } from './world.ts';

void t.test('countLocalReady() counts ready endpoints of this node once', (t) => {
  const places = [
    '10.244.1.5',
    { address: '10.244.2.5', node: 'n2' },
    { address: '10.244.1.6', conditions: { ready: false, serving: true, terminating: true } },
  ];
  const here = { nodeName: 'n1' };
  t.equal(countLocalReady([slice('web', places), slice('web', ['10.244.1.5'])], 'ip', here), 1);
  t.equal(countLocalReady([slice('web', places)], 'ip6', here), 0);
  t.end();
});

void t.test('ServiceHealthServers answers load balancers by the endpoints that are here', async (t) => {
  let isHealthy = true;
  const servers = new ServiceHealthServers(['127.0.0.1'], () => isHealthy, silentLog);
  const stop = new AbortController();
  const running = servers.run(stop.signal);
  const port = await freePort();
  const ask = async (): Promise<Response> => fetch(`http://127.0.0.1:${port}/`);
  const health = { namespace: 'default', name: 'web', port, localEndpoints: 2 };
  servers.set('default/web', health);
  const answer = await ask();
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('x-load-balancing-endpoint-weight'), '2');
  t.same(await answer.json(), {
    service: { namespace: 'default', name: 'web' },
    localEndpoints: 2,
    serviceProxyHealthy: true,
  });
  servers.set('default/web', { ...health, localEndpoints: 0 });
  t.equal((await ask()).status, 503, 'no endpoint here');
  servers.set('default/web', health);
  isHealthy = false;
  t.equal((await ask()).status, 503, 'the rules are behind');
  servers.set('default/web', undefined);
  await t.rejects(ask());
  servers.set('default/web', health);
  await ask();
  stop.abort();
  await running;
  await t.rejects(ask(), 'closed with the proxy');
});
