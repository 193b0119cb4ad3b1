import t from 'tap';
import { KINDS } from '../../../src/api/kinds/rows.ts';
import { loadDefinitions } from '../../../src/api/schema/load.ts';
import { documentV2 } from '../../../src/apiserver/openapi/document-v2.ts';
import { documentV3 } from '../../../src/apiserver/openapi/document-v3.ts';
import { encodeGnostic, gnosticDocument } from '../../../src/apiserver/openapi/gnostic.ts';

const definitions = loadDefinitions();
const v2 = documentV2(KINDS, definitions);

function references(value: unknown): string[] {
  return [...JSON.stringify(value).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target = '']) => target);
}

void t.test('every kind has a definition, and every reference leads somewhere', (t) => {
  for (const { definition } of KINDS) t.ok(definition in v2.definitions, definition);
  for (const target of new Set(references(v2))) t.ok(target.replace('#/definitions/', '') in v2.definitions, target);
  const v3 = documentV3(KINDS, definitions) as { components: { schemas: object } };
  for (const target of new Set(references(v3)))
    t.ok(target.replace('#/components/schemas/', '') in v3.components.schemas, target);
  t.end();
});

// kubectl's QueryParamVerifierV3 looks there before it lets the server validate fields
void t.test('a PATCH operation names its kind and takes fieldValidation', (t) => {
  const pods = KINDS.filter(({ kind }) => kind === 'Pod');
  const { paths } = documentV3(pods, definitions) as { paths: Record<string, Record<string, unknown>> };
  t.match(paths['/api/v1/namespaces/{namespace}/pods/{name}']?.['patch'], {
    'x-kubernetes-group-version-kind': { group: '', version: 'v1', kind: 'Pod' },
  });
  t.match(JSON.stringify(paths['/api/v1/namespaces/{namespace}/pods/{name}']?.['patch']), '"name":"fieldValidation"');
  t.end();
});

void t.test('the protobuf form holds what the JSON form does', (t) => {
  const decoded = gnosticDocument.decode(encodeGnostic(v2)) as unknown as {
    definitions: {
      additionalProperties: {
        name: string;
        value: {
          vendorExtension: { name: string; value: { yaml: string } }[];
          properties?: { additionalProperties: { name: string }[] };
        };
      }[];
    };
    paths: { path: { name: string }[] };
  };
  t.equal(decoded.paths.path.length, Object.keys(v2.paths).length);
  const all = decoded.definitions.additionalProperties;
  t.equal(all.length, Object.keys(v2.definitions).length);
  const pod = all.find(({ name }) => name === 'io.k8s.api.core.v1.Pod')?.value;
  t.same(
    pod?.properties?.additionalProperties.map(({ name }) => name),
    Object.keys(v2.definitions['io.k8s.api.core.v1.Pod']?.properties ?? {}),
  );
  const [extension] = pod?.vendorExtension ?? [];
  t.equal(extension?.name, 'x-kubernetes-group-version-kind');
  t.same(JSON.parse(extension?.value.yaml ?? ''), [{ group: '', kind: 'Pod', version: 'v1' }]);
  t.end();
});
