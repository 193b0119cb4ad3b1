import t from 'tap';
import { call, type CallOptions } from './http-client.ts';
import { startTestCluster } from './test-cluster.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const PATCH = { merge: 'application/merge-patch+json', json: 'application/json-patch+json' };

const token = (start: string): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 1, start })).toString('base64url');

interface Case {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly options?: CallOptions;
  readonly code: number;
  /** Part of Status.message, in kube-apiserver's words. */
  readonly message?: string;
}

const CASES: readonly Case[] = [
  {
    what: 'JSON that ends early',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: '{"a":' },
    code: 400,
    message: 'couldn\'t get version/kind; json parse error: unexpected end of JSON input ({"a":)',
  },
  {
    what: 'no JSON at all',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: 'hello' },
    code: 400,
    message: "invalid character 'h' looking for beginning of value (68656c6c6f)",
  },
  {
    what: 'a body of another kind',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: { kind: 'Service', apiVersion: 'v1' } },
    code: 400,
    message: 'Service in version "v1" cannot be handled as a ConfigMap',
  },
  {
    what: 'a body of another group',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: { kind: 'Deployment', apiVersion: 'apps/v1' } },
    code: 400,
    message:
      'Deployment in version "v1" cannot be handled as a ConfigMap: converting (v1.Deployment) to (core.ConfigMap)',
  },
  {
    what: 'an unknown version',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: { kind: 'ConfigMap', apiVersion: 'v2' } },
    code: 400,
    message: 'no kind "ConfigMap" is registered for version "v2"',
  },
  {
    what: 'a value of a wrong type',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: { metadata: { name: 'x' }, immutable: 'yes' } },
    code: 400,
    message: 'json: cannot unmarshal string into Go struct field ConfigMap.immutable of type bool',
  },
  {
    what: 'duplicate and unknown fields with Strict',
    method: 'POST',
    path: `${CONFIG_MAPS}?fieldValidation=Strict`,
    options: { body: '{"metadata":{"name":"x","name":"x"},"data":{"a":"1","a":"2"},"foo":1}' },
    code: 400,
    message: 'strict decoding error: duplicate field "metadata.name", duplicate field "data.a", unknown field "foo"',
  },
  {
    what: 'a body over 3 MiB',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: 'x'.repeat(3 * 1024 * 1024 + 1) },
    code: 413,
    message: 'Request entity too large: limit is 3145728',
  },
  {
    what: 'YAML that stands for a billion values',
    method: 'POST',
    path: CONFIG_MAPS,
    options: {
      body: `metadata: {name: x}\na0: &a0 [${'x,'.repeat(9)}x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}*a${i}]`).join('\n')}`,
      headers: { 'content-type': 'application/yaml' },
    },
    code: 400,
    message: 'document contains excessive aliasing',
  },
  {
    what: 'arrays nested a million deep',
    method: 'POST',
    path: '/apis/apps/v1/namespaces/default/controllerrevisions',
    options: { body: `{"metadata":{"name":"x"},"revision":1,"data":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}` },
    code: 400,
    message: 'exceeded max depth',
  },
  {
    what: 'an unknown content type',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: '<a/>', headers: { 'content-type': 'text/xml' } },
    code: 415,
    message: 'the body of the request was in an unknown format - accepted media types include: application/json',
  },
  {
    what: 'an unknown Accept',
    method: 'GET',
    path: CONFIG_MAPS,
    options: { headers: { accept: 'text/xml' } },
    code: 406,
  },
  {
    what: 'a Table of what has none',
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    options: { body: {}, headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } },
    code: 406,
  },
  {
    what: 'a resourceVersion on create',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: { metadata: { name: 'x', resourceVersion: '5' } } },
    code: 500,
    message: 'resourceVersion should not be set on objects to be created',
  },
  {
    what: 'another namespace than that of the path',
    method: 'POST',
    path: CONFIG_MAPS,
    options: { body: { metadata: { name: 'x', namespace: 'other' } } },
    code: 400,
    message: 'the namespace of the provided object does not match the namespace sent on the request',
  },
  {
    what: 'another name than that of the path',
    method: 'PUT',
    path: `${CONFIG_MAPS}/there`,
    options: { body: { metadata: { name: 'other' } } },
    code: 400,
    message: 'the name of the object (other) does not match the name on the URL (there)',
  },
  {
    what: 'a stale resourceVersion',
    method: 'PUT',
    path: `${CONFIG_MAPS}/there`,
    options: { body: { metadata: { name: 'there', resourceVersion: '1' } } },
    code: 409,
    message: 'the object has been modified; please apply your changes to the latest version and try again',
  },
  {
    what: 'a JSON patch whose test fails',
    method: 'PATCH',
    path: `${CONFIG_MAPS}/there`,
    options: {
      body: '[{"op":"test","path":"/data/a","value":"9"}]',
      headers: { 'content-type': PATCH.json },
    },
    code: 422,
    message: 'the server rejected our request due to an error in our request',
  },
  {
    what: 'a JSON patch that reaches for a prototype',
    method: 'PATCH',
    path: `${CONFIG_MAPS}/there`,
    options: { body: '[{"op":"add","path":"/__proto__/x","value":1}]', headers: { 'content-type': PATCH.json } },
    code: 400,
  },
  {
    what: 'a merge patch that reaches for a prototype',
    method: 'PATCH',
    path: `${CONFIG_MAPS}/there`,
    options: { body: '{"data":{"__proto__":{"x":"1"}}}', headers: { 'content-type': PATCH.merge } },
    code: 400,
  },
  {
    what: 'server-side apply, which is not served yet',
    method: 'PATCH',
    path: `${CONFIG_MAPS}/there`,
    options: { body: '{}', headers: { 'content-type': 'application/apply-patch+yaml' } },
    code: 415,
  },
  {
    what: 'an unknown dryRun',
    method: 'POST',
    path: `${CONFIG_MAPS}?dryRun=Some`,
    options: { body: { metadata: { name: 'x' } } },
    code: 422,
    message: 'dryRun: Unsupported value: ["Some"]: supported values: "All"',
  },
  {
    what: 'a field selector on a field that cannot be selected',
    method: 'GET',
    path: '/api/v1/pods?fieldSelector=spec.x%3Dy',
    code: 400,
    message: 'field label not supported: spec.x',
  },
  {
    what: 'a revision from the future',
    method: 'GET',
    path: `${CONFIG_MAPS}?resourceVersion=999999`,
    code: 504,
    message: 'Too large resource version: 999999, current:',
  },
  {
    what: 'resourceVersionMatch without resourceVersion',
    method: 'GET',
    path: `${CONFIG_MAPS}?resourceVersionMatch=Exact`,
    code: 422,
    message: 'resourceVersionMatch is forbidden unless resourceVersion is provided',
  },
  {
    what: 'a continue token of nobody',
    method: 'GET',
    path: `${CONFIG_MAPS}?continue=abc`,
    code: 400,
    message: 'continue key is not valid',
  },
  {
    what: 'a continue token that climbs',
    method: 'GET',
    path: `${CONFIG_MAPS}?continue=${token('default/../../secrets/x')}`,
    code: 400,
    message: 'invalid continue token: continue key is not valid: default/../../secrets/x',
  },
  {
    what: 'continue and a revision',
    method: 'GET',
    path: `${CONFIG_MAPS}?resourceVersion=1&continue=${token('default/a')}`,
    code: 400,
    message: 'specifying resource version is not allowed when using continue',
  },
  {
    what: 'a resourceVersion that is no number',
    method: 'PUT',
    path: `${CONFIG_MAPS}/there`,
    options: { body: { metadata: { name: 'there', resourceVersion: 'abc' } } },
    code: 500,
    message: 'strconv.ParseUint: parsing "abc": invalid syntax',
  },
  {
    what: 'a resourceVersion of more than 64 bits',
    method: 'PUT',
    path: `${CONFIG_MAPS}/there`,
    options: { body: { metadata: { name: 'there', resourceVersion: '18446744073709551616' } } },
    code: 500,
    message: 'strconv.ParseUint: parsing "18446744073709551616": value out of range',
  },
  {
    what: 'a deep body to delete what is not there',
    method: 'DELETE',
    path: `${CONFIG_MAPS}/missing`,
    options: { body: `{"preconditions":${'['.repeat(100_000)}${']'.repeat(100_000)}}` },
    code: 400,
    message: 'exceeded max depth',
  },
  {
    what: 'delete options of a wrong type',
    method: 'DELETE',
    path: `${CONFIG_MAPS}/there`,
    options: { body: { preconditions: { uid: 5 } } },
    code: 400,
    message: 'json: cannot unmarshal number into Go struct field Preconditions.preconditions.uid of type string',
  },
  {
    what: 'another object as delete options',
    method: 'DELETE',
    path: `${CONFIG_MAPS}/there`,
    options: { body: { kind: 'ConfigMap', apiVersion: 'v1' } },
    code: 400,
  },
  {
    what: 'a wrong UID in a precondition',
    method: 'DELETE',
    path: `${CONFIG_MAPS}/there`,
    options: { body: { preconditions: { uid: 'x' } } },
    code: 409,
  },
  {
    what: 'an unknown resource',
    method: 'GET',
    path: '/api/v1/foos',
    code: 404,
    message: 'the server could not find the requested resource',
  },
  { what: 'an unknown group', method: 'GET', path: '/apis/foo.io/v1/foos', code: 404 },
  {
    what: 'POST to a path for reading',
    method: 'POST',
    path: '/version',
    options: { body: {} },
    code: 405,
    message: 'the server does not allow this method on the requested resource',
  },
  { what: 'PUT on a collection', method: 'PUT', path: CONFIG_MAPS, options: { body: {} }, code: 405 },
  {
    what: 'a namespaced create without namespace',
    method: 'POST',
    path: '/api/v1/pods',
    options: { body: {} },
    code: 405,
  },
  { what: 'nobody at all', method: 'GET', path: CONFIG_MAPS, options: { identity: null }, code: 403 },
  {
    what: 'a forged token',
    method: 'GET',
    path: CONFIG_MAPS,
    options: { identity: null, headers: { authorization: 'Bearer a.b.c' } },
    code: 401,
    message: 'Unauthorized',
  },
];

void t.test('the API server answers bad input with upstream’s code and Status', async (t) => {
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  await cluster.kubectl(['wait', '--for=jsonpath={.status.phase}=Active', 'ns/default', '--timeout=10s']);
  await call(cluster, 'POST', CONFIG_MAPS, { body: { metadata: { name: 'there' }, data: { a: '1' } } });

  for (const { what, method, path, options, code, message } of CASES) {
    const answer = await call(cluster, method, path, options ?? {});
    t.equal(answer.code, code, what);
    if (message !== undefined) t.match(String(answer.json?.['message']), message, what);
  }

  const stored = await call(cluster, 'GET', `${CONFIG_MAPS}/there`);
  t.match(stored.json, { data: { a: '1' } }, 'and nothing of it has changed anything');
});

void t.test('an expired client certificate is nobody’s', async (t) => {
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  const expired = await cluster.issueClient('kubernetes-admin', ['system:masters'], -0.001);

  const answer = await call(cluster, 'GET', '/api/v1/nodes', { identity: expired });

  t.equal(answer.code, 401);
});
