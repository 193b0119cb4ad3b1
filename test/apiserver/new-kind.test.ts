import t from 'tap';
import { definitionOf } from '../../src/api/kinds/definition-name.ts';
import type { Kind } from '../../src/api/kinds/kind.ts';
import { KINDS } from '../../src/api/kinds/rows.ts';
import { startTestCluster } from './test-cluster.ts';

/** A kind of which nothing but its schema is known. */
const TYPE = { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' };
const ROW: Kind = {
  ...TYPE,
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: [],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: [{ name: 'status', kind: 'HorizontalPodAutoscaler', verbs: ['get', 'patch', 'update'] }],
  definition: definitionOf(TYPE),
  storagePrefix: 'horizontalpodautoscalers',
  selectableFields: [],
  hasGeneration: true,
};

void t.test('a new row is a kind that kubectl creates, explains, applies, prints and deletes', async (t) => {
  if (KINDS.some(({ kind }) => kind === ROW.kind)) return t.fail('it has a row by now: take another kind');
  (KINDS as Kind[]).push(ROW);
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  const { kubectl } = cluster;
  const manifest = (maxReplicas: string): string => `
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: web}
    spec: {scaleTargetRef: {kind: Deployment, name: web}, maxReplicas: ${maxReplicas}}
  `;

  await kubectl(['apply', '-f', '-'], manifest('3'));
  await t.rejects(kubectl(['apply', '-f', '-'], manifest('many')), /maxReplicas/, 'its schema is enforced');
  await kubectl(['apply', '-f', '-'], manifest('4'));
  t.match(await kubectl(['get', 'hpa']), /^NAME +CREATED AT\nweb +20/);
  const object: unknown = JSON.parse(await kubectl(['get', 'hpa', 'web', '-o', 'json']));
  t.match(object, { metadata: { generation: 2 }, spec: { maxReplicas: 4 } });
  t.match(await kubectl(['explain', 'hpa.spec.maxReplicas']), /FIELD: +maxReplicas/);
  const listed = await kubectl(['api-resources', '--api-group=autoscaling']);
  t.match(listed, /horizontalpodautoscalers +hpa +autoscaling\/v2 +true/);

  const path = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/web/status';
  const status =
    '[{"op":"add","path":"/status","value":{"desiredReplicas":3}},{"op":"replace","path":"/spec/maxReplicas","value":9}]';
  await kubectl(['patch', 'hpa', 'web', '--subresource=status', '--type=json', `-p=${status}`]);
  t.match(JSON.parse(await kubectl(['get', '--raw', path])), {
    metadata: { generation: 2 },
    spec: { maxReplicas: 4 },
    status: { desiredReplicas: 3 },
  });
  t.match(await kubectl(['delete', 'hpa', 'web']), /deleted/);
  return t.end();
});

void t.test('who creates what no part of Bramble acts on is told so', async (t) => {
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  const manifest = (kind: string): string => `
    apiVersion: apps/v1
    kind: ${kind}
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
  `;
  const apply = async (kind: string): Promise<void> => {
    await cluster.kubectl(['apply', '--warnings-as-errors', '-f', '-'], manifest(kind));
  };

  await t.rejects(apply('StatefulSet'), /Warning: no part of Bramble acts on a StatefulSet yet/);
  await apply('Deployment');
  t.match(await cluster.kubectl(['get', 'statefulsets', '-o', 'name']), /web/, 'it is kept all the same');
});
