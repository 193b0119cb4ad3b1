import t from 'tap';
import { parseStored, storedText } from '../../../src/apiserver/storage/object-text.ts';
import { valueText } from '../../../src/apiserver/storage/stored-value.ts';

function message(id: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([id * 8 + 2, bytes.length]), bytes]);
}

/** As kube-apiserver stores an object: its type, its bytes, and two fields that are empty. */
function stored(apiVersion: string, kind: string, raw: Buffer): Buffer {
  const type = Buffer.concat([message(1, apiVersion), message(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), message(1, type), message(2, raw), message(3, ''), message(4, '')]);
}

const CREATED = Buffer.concat([Buffer.from([0x08, 0x80, 0xd2, 0xf7, 0xb8, 0x06]), Buffer.from([0x10, 0])]);

void t.test('valueText() gives what kube-apiserver stored as the text that we would have stored', (t) => {
  const metadata = Buffer.concat([message(1, 'a'), message(2, ''), message(3, 'x'), message(8, CREATED)]);
  const raw = Buffer.concat([message(1, metadata), message(2, Buffer.concat([message(1, 'k'), message(2, 'v')]))]);
  const text = valueText(stored('v1', 'ConfigMap', raw));
  const object = {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'a', namespace: 'x', creationTimestamp: '2024-10-27T07:17:20Z' },
    data: { k: 'v' },
  };
  t.equal(text, storedText(object));
  t.same(parseStored(text, 7).metadata?.resourceVersion, '7');
  const range = Buffer.concat([message(1, ''), message(2, '30000-32767'), message(3, Buffer.from([1, 2]))]);
  t.same(JSON.parse(valueText(stored('v1', 'RangeAllocation', range))), {
    kind: 'RangeAllocation',
    apiVersion: 'v1',
    metadata: {},
    range: '30000-32767',
    data: 'AQI=',
  });
  const deployment = JSON.parse(valueText(stored('apps/v1', 'Deployment', message(1, message(1, 'a'))))) as object;
  t.same(Object.keys(deployment), ['kind', 'apiVersion', 'metadata', 'status'], 'with what upstream fills in');
  const lease = valueText(stored('coordination.k8s.io/v1', 'Lease', message(1, message(1, 'w1'))));
  t.same(JSON.parse(lease), { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata: { name: 'w1' } });
  t.end();
});

void t.test('valueText() leaves our own texts alone, and refuses protobuf of a kind that nobody knows', (t) => {
  const text = '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"ü"}}';
  t.equal(valueText(Buffer.from(text)), text);
  t.throws(() => valueText(stored('v9', 'Nothing', Buffer.alloc(0))), { message: /has no protobuf form/ });
  t.end();
});
