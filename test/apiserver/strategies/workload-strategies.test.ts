import t from 'tap';
import type { Deployment } from '../../../src/api/objects.ts';
import { DecisionServer, messageOf } from '../decision-server.ts';

void t.test('a Deployment is defaulted and validated with upstream words', async (t) => {
  const server = await DecisionServer.start();
  const deployment = {
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'busybox' }] } },
    },
  };
  const stored = await server.create<Deployment>('deployments.apps', deployment);
  t.match(stored.spec, {
    replicas: 1,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    template: { spec: { containers: [{ imagePullPolicy: 'Always' }] } },
  });
  t.equal(stored.metadata?.generation, 1);
  const other = structuredClone(deployment);
  other.metadata = { namespace: 'default', name: 'other' };
  if (other.spec?.template.metadata !== undefined) other.spec.template.metadata.labels = { app: 'x' };
  t.equal(
    await messageOf(server.create('deployments.apps', other)),
    '422 Deployment.apps "other" is invalid: spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
  );
});
