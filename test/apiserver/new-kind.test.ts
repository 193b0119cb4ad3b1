import t from 'tap';
import { definitionOf } from '../../src/api/kinds/definition-name.ts';
import type { Kind } from '../../src/api/kinds/kind.ts';
import { KINDS } from '../../src/api/kinds/rows.ts';
import { startTestCluster } from './test-cluster.ts';

/** A kind of which nothing but its schema is known. */
const POLICY = { group: 'policy', version: 'v1', kind: 'PodDisruptionBudget' };
const ROW: Kind = {
  ...POLICY,
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  categories: [],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: [{ name: 'status', kind: 'PodDisruptionBudget', verbs: ['get', 'patch', 'update'] }],
  definition: definitionOf(POLICY),
  storagePrefix: 'poddisruptionbudgets',
  selectableFields: [],
  hasGeneration: true,
};

void t.test('a new row is a kind that kubectl creates, explains, applies, prints and deletes', async (t) => {
  if (KINDS.some(({ kind }) => kind === ROW.kind)) return t.fail('it has a row by now: take another kind');
  (KINDS as Kind[]).push(ROW);
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  const { kubectl } = cluster;
  const manifest = (spec: string): string =>
    `apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: ${spec}\n`;

  await kubectl(['apply', '-f', '-'], manifest('{minAvailable: 1}'));
  await t.rejects(
    kubectl(['apply', '-f', '-'], manifest('{minAvailable: [1]}')),
    /minAvailable/,
    'its schema is enforced',
  );
  await kubectl(['apply', '-f', '-'], manifest('{minAvailable: 50%}'));
  t.match(await kubectl(['get', 'pdb']), /^NAME +CREATED AT\nweb +20/);
  const object: unknown = JSON.parse(await kubectl(['get', 'pdb', 'web', '-o', 'json']));
  t.match(object, { metadata: { generation: 2 }, spec: { minAvailable: '50%' } });
  t.match(await kubectl(['explain', 'pdb.spec.minAvailable']), /FIELD: +minAvailable/);
  t.match(await kubectl(['api-resources', '--api-group=policy']), /poddisruptionbudgets +pdb +policy\/v1 +true/);

  const path = '/apis/policy/v1/namespaces/default/poddisruptionbudgets/web/status';
  const status =
    '[{"op":"add","path":"/status","value":{"currentHealthy":3}},{"op":"remove","path":"/spec/minAvailable"}]';
  await kubectl(['patch', 'pdb', 'web', '--subresource=status', '--type=json', `-p=${status}`]);
  t.match(JSON.parse(await kubectl(['get', '--raw', path])), {
    metadata: { generation: 2 },
    spec: { minAvailable: '50%' },
    status: { currentHealthy: 3 },
  });
  t.match(await kubectl(['delete', 'pdb', 'web']), /deleted/);
  return t.end();
});
