import t from 'tap';
import { decodeEnvelope } from '../../../src/api/protobuf/decode-object.ts';
import { builtInDecoder } from '../../../src/api/schema/load.ts';

/** What kubectl 1.32 sent for `kubectl create configmap one --from-literal=a=b` (field by field, the zero values too). */
const CREATE = Buffer.concat([
  Buffer.from('k8s\0'),
  message(1, Buffer.concat([message(1, 'v1'), message(2, 'ConfigMap')])),
  message(
    2,
    Buffer.concat([
      // metadata: name, and the empty strings, numbers and times that Go always sends
      message(
        1,
        Buffer.concat([
          message(1, 'one'),
          message(2, ''),
          message(3, 'default'),
          message(5, ''),
          Buffer.from([0x38, 0]),
          message(8, ''),
        ]),
      ),
      message(2, Buffer.concat([message(1, 'a'), message(2, 'b')])),
      message(3, Buffer.concat([message(1, 'bin'), message(2, Buffer.from([1, 2, 3]))])),
      Buffer.from([0x20, 0]), // immutable: a pointer, so false was said
    ]),
  ),
]);

function message(id: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([id * 8 + 2, bytes.length]), bytes]);
}

void t.test('an object in protobuf reads as its JSON would: zero values only where they say something', (t) => {
  const { apiVersion, kind, raw } = decodeEnvelope(CREATE);
  t.same([apiVersion, kind], ['v1', 'ConfigMap']);
  t.same(builtInDecoder().decode('io.k8s.api.core.v1.ConfigMap', raw), {
    metadata: { name: 'one', namespace: 'default' },
    data: { a: 'b' },
    binaryData: { bin: 'AQID' },
    immutable: false,
  });
  t.end();
});

void t.test(
  'embedded messages stand among the fields of the outer one; int-or-string and quantities are plain',
  (t) => {
    const port = message(5, Buffer.concat([Buffer.from([0x08, 1]), message(3, 'http')]));
    const probe = message(2, Buffer.concat([message(1, '/x'), message(2, port.subarray(2))]));
    const decoded = builtInDecoder().decode('io.k8s.api.core.v1.Probe', message(1, probe));
    t.match(decoded, { httpGet: { path: '/x', port: 'http' } });
    t.end();
  },
);

void t.test('bytes that are no message are refused, not believed', (t) => {
  t.throws(() => decodeEnvelope(Buffer.from('{"a":1}')), { message: /does not appear to be a protobuf message/ });
  const { raw } = decodeEnvelope(CREATE);
  for (let length = 1; length < raw.length; length += 1) {
    try {
      builtInDecoder().decode('io.k8s.api.core.v1.ConfigMap', raw.subarray(0, length));
    } catch (error) {
      t.match(error, { name: 'WireError' });
    }
  }
  t.end();
});

void t.test("a map of lists is read: users' extra, which every certificate request carries back", (t) => {
  const values = Buffer.concat([message(1, 'x'), message(1, 'y')]);
  const spec = message(6, Buffer.concat([message(1, 'scopes'), message(2, values)]));
  const decoded = builtInDecoder().decode('io.k8s.api.certificates.v1.CertificateSigningRequest', message(2, spec));
  t.match(decoded, { spec: { extra: { scopes: ['x', 'y'] } } });
  t.end();
});
