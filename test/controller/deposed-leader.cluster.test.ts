import { spawnSync } from 'node:child_process';
import t from 'tap';
import { StatusError } from '../../src/api/status.ts';
import { deployments, leases } from '../../src/client/resources.ts';
import { runControllers } from '../../src/controller/run-controllers.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { countingClient } from './counting-client.ts';
import { clientAs, startRealCluster, until } from './real-cluster.ts';

const LONG = {
  skip: spawnSync('kubectl', ['version', '--client']).status === 0 ? false : 'there is no kubectl',
  timeout: 90_000,
};
t.setTimeout(LONG.timeout);

const TIMES = { leaseDurationMs: 5_000, renewDeadlineMs: 3_500, retryPeriodMs: 500 };
const DEPLOYMENTS = 6;

function web(name: string, replicas: number) {
  const labels = { app: name };
  const metadata = { name, namespace: 'default' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'one' }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { replicas, selector: { matchLabels: labels }, template },
  };
}

/** Whether a request changes something that leaders must not both change; Events and the Lease are for everyone. */
function isFenced(what: string): boolean {
  return /^(POST|PUT|PATCH|DELETE) /.test(what) && !/ (events|leases)/.test(what);
}

void t.test('writes that a leader has under way when it loses its lease are never sent', LONG, async (t) => {
  const {
    api,
    admin,
    kubectl,
    apply,
    client: first,
    authority,
  } = await startRealCluster(t, {
    controllers: { leaderElection: TIMES },
  });
  const holder = async (): Promise<string> =>
    (await admin.get(leases, 'kube-system', 'kube-controller-manager')).spec?.holderIdentity ?? '';
  t.equal(await holder(), 'test-1');

  // The second manager stands by, before the same API server, over connections of its own.
  const own = clientAs(api, await api.issueClient('system:kube-controller-manager'));
  const second = countingClient(own);
  const stop = new AbortController();
  const options = { client: second, authority, clusterCidr: '10.244.0.0/16', clock: systemClock, log: silentLog };
  const running = runControllers({ ...options, identity: 'test-2', leaderElection: TIMES }, stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
    own.close();
  });

  // The first's writes begin to hang before they are sent, as on a board that is out of breath, and work keeps coming.
  const released = Promise.withResolvers<undefined>();
  const held: string[] = [];
  first.fault = async (what) => {
    if (/ leases/.test(what) && isCut) throw new StatusError('ServiceUnavailable', 'cut off');
    if (!isFenced(what)) return;
    held.push(what);
    await released.promise;
  };
  let isCut = false;
  await apply(...Array.from({ length: DEPLOYMENTS }, (_none, index) => web(`web-${index}`, 3)));
  await kubectl('create', 'namespace', 'going');
  await kubectl('delete', 'namespace', 'going', '--wait=false');
  await until(async () => new Set(held).size >= 3 && held.length >= DEPLOYMENTS);

  isCut = true;
  first.calls.length = 0;
  await until(async () => (await holder()) === 'test-2');
  released.resolve(undefined);
  // Nothing of the first's is left under way, and all that hung was dropped.
  await until(async () => first.calls.filter(({ what }) => isFenced(what)).length >= held.length);
  t.same(
    first.calls.filter(({ what, result }) => isFenced(what) && result !== 'error'),
    [],
    'the server answered none of them, for none was sent',
  );
  t.comment(`dropped: ${[...new Set(held)].join(', ')}`);

  // The second does the work, alone: no pod too many, no set too many.
  const replicasOf = async (): Promise<number> =>
    (await admin.list(deployments, { namespace: 'default' })).items.reduce(
      (sum, { status }) => sum + (status?.availableReplicas ?? 0),
      0,
    );
  await until(async () => (await replicasOf()) === DEPLOYMENTS * 3);
  const names = async (kind: string): Promise<number> =>
    (await kubectl('get', kind, '-o', 'name')).split('\n').filter((line) => line !== '').length;
  t.equal(await names('rs'), DEPLOYMENTS);
  t.equal(await names('pods'), DEPLOYMENTS * 3);
  await kubectl('wait', '--for=delete', 'namespace/going', '--timeout=20s');

  // Back in touch, the first stands by and leaves everything alone.
  isCut = false;
  first.calls.length = 0;
  await kubectl('scale', 'deploy', 'web-0', '--replicas=1');
  await until(async () => (await names('pods')) === DEPLOYMENTS * 3 - 2);
  t.same(
    first.calls.filter(({ what }) => isFenced(what)),
    [],
  );
  t.equal(await holder(), 'test-2');
});
