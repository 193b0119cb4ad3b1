import { spawnSync } from 'node:child_process';
import t from 'tap';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
const hasEtcd = spawnSync('etcd', ['--version']).status === 0;

const DEPLOYMENT = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          { name: 'a', image: 'one' },
          { name: 'b', image: 'two' },
        ],
      },
    },
  },
});

for (const store of ['fake', 'etcd'] as const) {
  const skip = !hasKubectl ? 'no kubectl' : store === 'etcd' && !hasEtcd ? 'no etcd' : false;
  void t.test(`kubectl works as ever, with ${store} as the store`, { skip }, async (t) => {
    const cluster = await startTestCluster({ store });
    t.teardown(() => cluster.close());
    const { kubectl } = cluster;
    await ready(cluster);

    await t.test('kubectl create, which sends protobuf, makes what JSON would', async (t) => {
      await kubectl(['create', 'configmap', 'one', '--from-literal=a=b']);
      t.match(JSON.parse(await kubectl(['get', 'cm', 'one', '-o', 'json'])), { data: { a: 'b' } });
      await kubectl(['create', 'deployment', 'made', '--image=busybox', '--port=80']);
      const made = JSON.parse(await kubectl(['get', 'deploy', 'made', '-o', 'json'])) as unknown;
      t.match(made, {
        spec: { replicas: 1, template: { spec: { containers: [{ ports: [{ containerPort: 80 }] }] } } },
      });
    });

    await t.test('kubectl apply merges a container by its name, and says unchanged when nothing changes', async (t) => {
      t.match(await kubectl(['apply', '-f', '-'], DEPLOYMENT), 'deployment.apps/web created');
      t.match(await kubectl(['apply', '-f', '-'], DEPLOYMENT), 'deployment.apps/web unchanged');
      t.match(
        await kubectl(['apply', '-f', '-'], DEPLOYMENT.replace('two', 'three')),
        'deployment.apps/web configured',
      );
      const images = await kubectl([
        'get',
        'deploy',
        'web',
        '-o',
        'jsonpath={.spec.template.spec.containers[*].image}',
      ]);
      t.equal(images, 'one three');
    });

    await t.test('kubectl get prints upstream’s columns', async (t) => {
      const wide = await kubectl(['get', 'deploy', 'web', '-o', 'wide']);
      t.match(
        wide,
        /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +0\/2 +0 +0 +\d+s +a,b +one,three +app=web\n$/,
      );
      const service = await kubectl(['get', 'svc', 'kubernetes']);
      t.match(
        service,
        /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nkubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP +\d+s\n$/,
      );
    });

    await t.test('scale, label, delete and explain', async (t) => {
      t.match(await kubectl(['scale', 'deploy', 'web', '--replicas=5']), 'deployment.apps/web scaled');
      t.equal(await kubectl(['get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}']), '5');
      await kubectl(['label', 'deploy', 'web', 'x=y']);
      t.equal(await kubectl(['get', 'deploy', '-l', 'x=y', '-o', 'name']), 'deployment.apps/web\n');
      await kubectl(['delete', 'deploy', 'web', '--timeout=5s']);
      t.notMatch(await kubectl(['get', 'deploy', '-o', 'name']), 'web');
      t.match(await kubectl(['explain', 'pod.spec.containers.image']), 'Container image name');
    });

    await t.test('unknown fields are an error, named by their path', async (t) => {
      const wrong = DEPLOYMENT.replace('"image":"one"', '"image":"one","imagee":"x"');
      const error = await kubectl(['apply', '-f', '-'], wrong).catch((reason: unknown) => String(reason));
      t.match(error, 'strict decoding error: unknown field "spec.template.spec.containers[0].imagee"');
    });

    await t.test('a namespace that is deleted is Terminating until its controller has emptied it', async (t) => {
      await kubectl(['create', 'ns', 'short']);
      await kubectl(['delete', 'ns', 'short', '--wait=false']);
      t.match(await kubectl(['get', 'ns', 'short']), /Terminating/);
    });
  });
}

/** Waits until the server has made what every cluster has. */
async function ready({ kubectl }: TestCluster): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const isReady = await kubectl(['get', '--raw', '/readyz']).then(
      () => true,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
