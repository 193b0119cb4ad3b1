import { spawnSync } from 'node:child_process';
import t from 'tap';
import { conditionOf } from '../../src/api/condition.ts';
import type { Deployment } from '../../src/api/objects.ts';
import { deployments, pods, replicaSets } from '../../src/client/resources.ts';
import { templateHash } from '../../src/controller/deployment-revision.ts';
import { tally } from './counting-client.ts';
import { startRealCluster, until } from './real-cluster.ts';

const skip = spawnSync('kubectl', ['version', '--client']).status === 0 ? false : 'there is no kubectl';

const LONG = { skip, timeout: 180_000 };
t.setTimeout(LONG.timeout);

/** A Deployment `web` of one container, whose spec a test changes. */
function web(spec: object = {}, image = 'one', metadata: object = {}): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', ...metadata },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
      ...spec,
    },
  };
}

void t.test('a Deployment of 4 pods takes few requests, and a cluster at rest none', LONG, async (t) => {
  const { apply, kubectl, client } = await startRealCluster(t);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  client.calls.length = 0;
  await apply(web());
  t.match(await kubectl('rollout', 'status', 'deploy/web', '--timeout=20s'), 'successfully rolled out');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const made = tally(client.calls.filter(({ what }) => !what.endsWith('leases')));
  t.comment(made);
  client.calls.length = 0;
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  t.same(tally(client.calls.filter(({ what }) => !what.endsWith('leases'))), {});
});

void t.test('kubectl rollout: history, undo, pause, resume, restart, and a rollout that fails', LONG, async (t) => {
  const { apply, kubectl, boards, admin } = await startRealCluster(t);
  const rolledOut = async (): Promise<string> => kubectl('rollout', 'status', 'deploy/web', '--timeout=30s');
  const web1 = async (): Promise<Deployment> => admin.get(deployments, 'default', 'web');
  const progressing = async () => conditionOf(await web1(), 'Progressing');
  const sizes = async (): Promise<Record<string, number>> => {
    const { items } = await admin.list(replicaSets, { namespace: 'default' });
    const counts: Record<string, number> = {};
    for (const { spec } of items) {
      const image = spec?.template?.spec?.containers[0]?.image ?? '';
      counts[image] = (counts[image] ?? 0) + (spec?.replicas ?? 0);
    }
    return counts;
  };

  await t.test('each template is a revision, with the annotations that its Deployment had', async (t) => {
    await apply(web({}, 'one', { annotations: { 'kubernetes.io/change-cause': 'first', team: 'a' } }));
    await rolledOut();
    await apply(web({}, 'two', { annotations: { 'kubernetes.io/change-cause': 'second', team: 'a' } }));
    await rolledOut();
    t.match(await kubectl('rollout', 'history', 'deploy/web'), /1 +first\n2 +second/);
    t.match(await kubectl('rollout', 'history', 'deploy/web', '--revision=1'), /Image:\s+one/);
    const { metadata, status } = await web1();
    t.equal(status?.observedGeneration, metadata?.generation);
    t.equal(metadata?.generation, 2, 'the controller’s own writes are no change of the spec');
    const [set] = (await admin.list(replicaSets, { namespace: 'default' })).items;
    t.equal(set?.metadata?.annotations?.['team'], 'a');
    t.equal(set?.metadata?.annotations?.['kubectl.kubernetes.io/last-applied-configuration'], undefined);
    t.same(await sizes(), { one: 0, two: 4 });
  });

  await t.test('undo goes back to the old set, under a new revision', async (t) => {
    await kubectl('rollout', 'undo', 'deploy/web', '--to-revision=1');
    await rolledOut();
    t.same(await sizes(), { one: 4, two: 0 });
    t.match(await kubectl('rollout', 'history', 'deploy/web'), /2 +second\n3 +first/);
    t.match((await progressing())?.reason, 'NewReplicaSetAvailable');
    const one = (await admin.list(replicaSets, { namespace: 'default' })).items.find(
      (set) => set.spec?.template?.spec?.containers[0]?.image === 'one',
    );
    t.equal(one?.metadata?.annotations?.['deployment.kubernetes.io/revision-history'], '1');
  });

  await t.test('a pause holds back a new template but not a new size; resuming lets it go', async (t) => {
    await kubectl('rollout', 'pause', 'deploy/web');
    await until(async () => (await progressing())?.reason === 'DeploymentPaused');
    await kubectl('set', 'image', 'deploy/web', 'c=three');
    await kubectl('scale', 'deploy/web', '--replicas=6');
    await until(async () => (await web1()).status?.readyReplicas === 6);
    await until(async () => (await web1()).status?.observedGeneration === (await web1()).metadata?.generation);
    t.same(await sizes(), { one: 6, two: 0 });
    t.match(await progressing(), { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' });
    await kubectl('rollout', 'resume', 'deploy/web');
    await rolledOut();
    t.same(await sizes(), { one: 0, two: 0, three: 6 });
  });

  await t.test('rollout restart replaces all pods', async (t) => {
    const before = await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name');
    await kubectl('rollout', 'restart', 'deploy/web');
    await rolledOut();
    const after = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n');
    await until(async () => (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n').length === 6);
    t.notOk(after.some((name) => before.split('\n').includes(name)));
  });

  await t.test(
    'an image that never gets ready stops at what may be unavailable, and its deadline passes',
    async (t) => {
      await kubectl('patch', 'deploy', 'web', '-p', '{"spec":{"progressDeadlineSeconds":3}}');
      await kubectl('set', 'image', 'deploy/web', 'c=broken');
      const status = kubectl('rollout', 'status', 'deploy/web', '--timeout=30s');
      await t.rejects(status, { message: /error: deployment "web" exceeded its progress deadline/ });
      t.match(await progressing(), { status: 'False', reason: 'ProgressDeadlineExceeded' });
      t.match((await progressing())?.message, /^ReplicaSet "web-\w+" has timed out progressing\.$/);
      const now = (await web1()).status;
      t.ok((now?.availableReplicas ?? 0) >= 5, 'of 6, a quarter may be away: 1');
      t.equal((now?.replicas ?? 0) <= 8, true, 'of 6, a quarter more may be there: 2');
      await kubectl('rollout', 'undo', 'deploy/web');
      await rolledOut();
      t.match(await progressing(), { status: 'True', reason: 'NewReplicaSetAvailable' });
    },
  );

  await t.test('a size given in the middle of a rollout is shared out in proportion', async (t) => {
    await kubectl('patch', 'deploy', 'web', '-p', '{"spec":{"progressDeadlineSeconds":600}}');
    await kubectl('set', 'image', 'deploy/web', 'c=broken');
    await until(async () => (await sizes())['broken'] === 3, 20_000, 'the failed rollout has its share');
    t.equal((await sizes())['three'], 5);
    await kubectl('scale', 'deploy/web', '--replicas=12');
    await until(async () => (await web1()).status?.observedGeneration === (await web1()).metadata?.generation);
    await until(async () => (await sizes())['broken'] !== 3);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // 12 and a surge of 3 are 15, of 8 before: 5 grow to 9, 3 to 6 (8 * 15 / 8 in proportion).
    t.same({ ...(await sizes()), one: 0, two: 0 }, { one: 0, two: 0, three: 9, broken: 6 });
    boards.isReady = () => true;
    await kubectl('label', 'pods', '--all', 'looked-at=yes', '--overwrite').catch(() => undefined); // some are going
    await rolledOut();
  });

  await t.test('a selector cannot be changed', async (t) => {
    await t.rejects(kubectl('patch', 'deploy', 'web', '-p', '{"spec":{"selector":{"matchLabels":{"app":"x"}}}}'), {
      message: /field is immutable/,
    });
  });
});

void t.test('a Deployment’s sets: history limit, adoption, release, names that are taken', LONG, async (t) => {
  const { apply, kubectl, admin } = await startRealCluster(t);
  const rolledOut = async (): Promise<string> => kubectl('rollout', 'status', 'deploy/web', '--timeout=30s');
  const setNames = async (): Promise<string[]> => (await kubectl('get', 'rs', '-o', 'name')).split('\n');
  const roll = async (image: string): Promise<void> => {
    await kubectl('set', 'image', 'deploy/web', `c=${image}`);
    await rolledOut();
  };

  await t.test('revisionHistoryLimit keeps as many old sets as it says, the latest of use', async (t) => {
    await apply(web({ revisionHistoryLimit: 2, replicas: 1 }));
    await rolledOut();
    for (const image of ['two', 'three', 'one', 'four']) await roll(image);
    await until(async () => (await setNames()).length === 3);
    const { items } = await admin.list(replicaSets, { namespace: 'default' });
    const images = items.map((set) => set.spec?.template?.spec?.containers[0]?.image ?? '');
    t.same(images.toSorted(), ['four', 'one', 'three'], 'one is the oldest by age, and of the last revision but one');
    await kubectl('patch', 'deploy', 'web', '-p', '{"spec":{"revisionHistoryLimit":0}}');
    await until(async () => (await setNames()).length === 1);
  });

  await t.test(
    'a set that loses its labels is let go, and its pods run on; one that matches is taken in',
    async (t) => {
      const [old = ''] = await setNames();
      await kubectl('label', old, 'app=none', '--overwrite');
      await until(async () => (await setNames()).length === 2);
      await until(async () => (await kubectl('get', old, '-o', 'jsonpath={.metadata.ownerReferences[*].kind}')) === '');
      await rolledOut();
      await kubectl('label', old, 'app=web', '--overwrite');
      await until(
        async () => (await kubectl('get', old, '-o', 'jsonpath={.metadata.ownerReferences[*].kind}')) === 'Deployment',
      );
      t.pass('each wait came to its end');
    },
  );

  await t.test('a stranger’s set of the same name is stepped around', async (t) => {
    await kubectl('delete', 'deploy', 'web', '--cascade=foreground', '--timeout=20s');
    await apply(web({ paused: true, replicas: 1 }));
    const { spec } = await admin.get(deployments, 'default', 'web');
    const name = `web-${templateHash(spec?.template, 0)}`;
    const labels = { app: 'stranger' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'one' }] } };
    const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name } };
    await apply({ ...set, spec: { replicas: 0, selector: { matchLabels: labels }, template } });
    await kubectl('rollout', 'resume', 'deploy/web');
    await rolledOut();
    const made = await admin.get(deployments, 'default', 'web');
    t.equal(made.status?.collisionCount, 1);
    t.ok((await setNames()).includes(`replicaset.apps/web-${templateHash(spec?.template, 1)}`));
  });
});

void t.test('Recreate and minReadySeconds', LONG, async (t) => {
  const { apply, kubectl, boards, admin } = await startRealCluster(t);
  await t.test('Recreate starts no new pod before the last old one is gone', async (t) => {
    await apply(web({ strategy: { type: 'Recreate' }, replicas: 3 }));
    await kubectl('rollout', 'status', 'deploy/web', '--timeout=20s');
    boards.deletionMs = 1_500;
    let mixed = 0;
    await kubectl('set', 'image', 'deploy/web', 'c=two');
    await until(async () => {
      const { items } = await admin.list(pods, { namespace: 'default' });
      const images = new Set(items.map((pod) => pod.spec?.containers[0]?.image));
      if (images.size > 1) mixed += 1;
      return images.size === 1 && images.has('two');
    });
    t.equal(mixed, 0);
    boards.deletionMs = 0;
    await kubectl('rollout', 'status', 'deploy/web', '--timeout=20s');
  });

  await t.test('a pod counts as available minReadySeconds after it is ready', async (t) => {
    await kubectl('patch', 'deploy', 'web', '-p', '{"spec":{"minReadySeconds":3}}');
    const startMs = performance.now();
    await kubectl('set', 'image', 'deploy/web', 'c=three');
    t.match(await kubectl('rollout', 'status', 'deploy/web', '--timeout=20s'), 'successfully rolled out');
    t.ok(performance.now() - startMs > 2_000);
  });
});
