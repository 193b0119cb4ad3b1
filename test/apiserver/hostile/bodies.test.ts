import t from 'tap';
import { call, type CallOptions } from '../http-client.ts';
import { startTestCluster } from '../test-cluster.ts';
import { rawConnection, received } from './server-process.ts';

t.setTimeout(120_000); // of a loaded machine; alone it takes seconds

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const YAML = { 'content-type': 'application/yaml' };
const MERGE = { 'content-type': 'application/merge-patch+json' };
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const DEPTH = 100_000;
const MIB = 1024 * 1024;

interface Case {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly options?: CallOptions;
  readonly code: number;
  readonly message?: string;
}

const post = (what: string, body: CallOptions['body'], code: number, message?: string): Case => ({
  what,
  method: 'POST',
  path: CONFIG_MAPS,
  options: body === undefined ? {} : { body },
  code,
  ...(message === undefined ? {} : { message }),
});

const get = (what: string, query: string, code: number, message?: string): Case => ({
  what,
  method: 'GET',
  path: `${CONFIG_MAPS}?${query}`,
  code,
  ...(message === undefined ? {} : { message }),
});

const patch = (what: string, body: string, headers: Record<string, string>, code: number): Case => ({
  what,
  method: 'PATCH',
  path: `${CONFIG_MAPS}/there`,
  options: { body, headers },
  code,
});

const letters = 'abcdefghijklm'.split('');
const YAML_BOMB = letters
  .map(
    (name, i) =>
      `${name}: &${name} [${Array<string>(9)
        .fill(i === 0 ? 'x' : `*${letters[i - 1]}`)
        .join(',')}]`,
  )
  .join('\n');
const DOUBLING = Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/c${i}` }));
const deployment = (replicas: string): string =>
  `{"metadata":{"name":"n"},"spec":{"replicas":${replicas},"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"b"}]}}}}`;
const replicas = (value: string, code: number): Case => ({
  what: `replicas: ${value}`,
  method: 'POST',
  path: '/apis/apps/v1/namespaces/default/deployments?dryRun=All',
  options: { body: deployment(value) },
  code,
});

const CASES: readonly Case[] = [
  post('an empty body', '', 400, 'unexpected end of JSON input (<empty>)'),
  post('JSON and something behind it', '{"metadata":{"name":"x"}} x', 400),
  post('an array', '[]', 400, 'json: cannot unmarshal array into Go value'),
  post(
    'a kind that is a number',
    '{"kind":5}',
    400,
    'cannot unmarshal number into Go struct field .kind of type string',
  ),
  post('arrays 100,000 deep', '['.repeat(DEPTH) + ']'.repeat(DEPTH), 400, 'exceeded max depth'),
  post(
    'an unknown field 100,000 deep',
    `{"metadata":{"name":"x"},"x":${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}}`,
    400,
  ),
  patch('a merge patch 100,000 deep', `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`, MERGE, 400),
  patch('a strategic patch 100,000 deep', `${'{"metadata":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`, STRATEGIC, 400),
  patch(
    'a JSON patch to a path 100,000 deep',
    JSON.stringify([{ op: 'add', path: '/a'.repeat(DEPTH), value: 1 }]),
    JSON_PATCH,
    422,
  ),
  patch('a JSON patch that doubles 40 times', JSON.stringify(DOUBLING), JSON_PATCH, 422),
  patch(
    'a JSON patch to the constructor',
    '[{"op":"add","path":"/constructor/prototype/x","value":1}]',
    JSON_PATCH,
    400,
  ),
  {
    ...post('aliases of aliases in YAML', YAML_BOMB, 400, 'excessive aliasing'),
    options: { body: YAML_BOMB, headers: YAML },
  },
  { ...post('YAML 100,000 deep', undefined, 400), options: { body: '['.repeat(DEPTH), headers: YAML } },
  post('a raw NUL in a string', '{"metadata":{"name":"x"},"data":{"a":"\0"}}', 400),
  post('a NUL in a name', { metadata: { name: 'a\0b' } }, 422),
  post('a prototype as a label', '{"metadata":{"name":"x","labels":{"__proto__":"x"}}}', 422),
  post(
    'a prototype as a kind',
    { kind: '__proto__', apiVersion: 'v1' },
    400,
    'no kind "__proto__" is registered for version "v1"',
  ),
  post('a value of more than 1 MiB', { metadata: { name: 'x' }, data: { a: 'x'.repeat(MIB + 1) } }, 422),
  replicas('2147483648', 400),
  replicas('-2147483649', 400),
  replicas('1e400', 400),
  replicas('2147483647', 201),
  {
    what: 'a field manager of 129 letters',
    method: 'POST',
    path: `${CONFIG_MAPS}?fieldManager=${'a'.repeat(129)}`,
    options: { body: { metadata: { name: 'x' } } },
    code: 422,
    message: 'fieldManager: Too long: may not be more than 128 bytes',
  },
  {
    what: 'a field manager that cannot be printed',
    method: 'POST',
    path: `${CONFIG_MAPS}?fieldManager=%01`,
    options: { body: { metadata: { name: 'x' } } },
    code: 422,
  },
  {
    what: 'a name that reaches elsewhere',
    method: 'GET',
    path: `${CONFIG_MAPS}/..%2f..%2fsecrets%2fx`,
    code: 400,
    message: 'Name parameter invalid: "../../secrets/x": may not contain \'/\'',
  },
  get('limit=-1', 'limit=-1', 200),
  get('a limit of 20 digits', 'limit=99999999999999999999', 400, 'value out of range'),
  get('a limit in words', 'limit=ten', 400, 'strconv.ParseInt: parsing "ten": invalid syntax'),
  get('a malformed label selector', 'labelSelector=a+b', 400, "unable to parse requirement: found 'b', expected: in"),
  get('a label key of 60 KB', `labelSelector=${'a'.repeat(60_000)}`, 400, 'name part must be no more than 63'),
  get('10,000 labels', `labelSelector=${Array.from({ length: 10_000 }, (_, i) => `k${i}`).join()}`, 200),
  get('a malformed field selector', 'fieldSelector=a', 400, "invalid selector: 'a'; can't understand 'a'"),
  get('a field of 60 KB', `fieldSelector=metadata.name%3D${'a'.repeat(60_000)}`, 200),
  get('an unknown field of 60 KB', `fieldSelector=${'a'.repeat(60_000)}%3Db`, 400, 'is not a known field selector'),
  get('a timeout that is none', 'timeout=abc', 400, 'time: invalid duration "abc"'),
  post(
    '100,000 keys',
    { metadata: { name: 'x' }, data: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [i, 'v'])) },
    201,
  ),
  post(
    '60,000 finalizers',
    { metadata: { name: 'many', finalizers: Array.from({ length: 60_000 }, (_, i) => `a/b${i}`) } },
    201,
  ),
  { what: 'a query of 30 KB', method: 'GET', path: `${CONFIG_MAPS}?x=${'a'.repeat(30_000)}`, code: 200 },
];

void t.test('bodies made to hurt get a Status, and the server goes on at once', async (t) => {
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  await cluster.kubectl(['wait', '--for=jsonpath={.status.phase}=Active', 'ns/default', '--timeout=10s']);
  await call(cluster, 'POST', CONFIG_MAPS, { body: { metadata: { name: 'there' }, data: { a: 'x'.repeat(100) } } });

  for (const { what, method, path, options, code, message } of CASES) {
    const answer = await call(cluster, method, path, options ?? {});
    t.equal(answer.code, code, what);
    if (message !== undefined) t.match(String(answer.json?.['message']), message, what);
  }

  const { text } = await call(cluster, 'GET', '/metrics');
  t.match(text, /^apiserver_current_inflight_requests\{request_kind="mutating"\} 0$/m, 'none of them is still counted');
  t.match(text, /^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m, 'but this one');
  t.match(
    text,
    /verb="POST",group="",version="v1",resource="configmaps",subresource="",scope="resource",component="apiserver"/,
  );
  const stored = await call(cluster, 'GET', `${CONFIG_MAPS}/there`);
  t.match(stored.json, { data: { a: 'x'.repeat(100) } });
  t.equal(Reflect.get({}, 'x'), undefined, 'no prototype of this process was reached');
});

void t.test('a body without length that is too long gets 413, and not a reset', async (t) => {
  const cluster = await startTestCluster();
  t.teardown(() => cluster.close());
  const connection = { port: Number(new URL(cluster.url).port), ca: cluster.ca };
  const socket = await rawConnection(connection, { identity: cluster.admin });
  const answer = received(socket, 3000);
  const length = 3 * MIB + 1000;

  socket.write(`POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
  socket.write(`${length.toString(16)}\r\n${'x'.repeat(length)}\r\n0\r\n\r\n`);

  const { text, isEnded } = await answer;
  t.match(text, /^HTTP\/1\.1 413 /);
  t.match(text, 'Request entity too large: limit is 3145728');
  t.equal(isEnded, true);
});
