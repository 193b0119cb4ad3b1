import t from 'tap';
import type { FieldError } from '../../../src/api/field-error.ts';
import { validateCertificateRequest } from '../../../src/api/validation/certificate-request.ts';
import { validateConfigMap, validateConfigMapUpdate, validateSecret } from '../../../src/api/validation/config.ts';
import { validateEndpointSlice } from '../../../src/api/validation/endpoints.ts';
import { validateEvent, validateNewEvent } from '../../../src/api/validation/event.ts';
import { validateNode, validateNodeUpdate } from '../../../src/api/validation/node.ts';
import { validateBinding, validateRole } from '../../../src/api/validation/rbac.ts';
import { validateReplicaStatus } from '../../../src/api/validation/workload.ts';

function lines(errors: readonly FieldError[]): string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

/** Objects as decoding gives them: typed where they have fields, but with any of them missing. */
function of(object: object): never {
  return object as never;
}

void t.test('validateConfigMap() and validateSecret() check keys, sizes and what a type promises', (t) => {
  t.same(lines(validateConfigMap(of({ data: { a: 'x' }, binaryData: { a: 'eA==' } }))), [
    'data[a]: Invalid value: "a": duplicate of key present in binaryData',
  ]);
  t.same(lines(validateConfigMap(of({ data: { a: 'x'.repeat(1024 * 1024 + 1) } }))), [
    '[]: Too long: may not be more than 1048576 bytes',
  ]);
  t.same(lines(validateConfigMapUpdate(of({ data: { a: 'y' } }), of({ immutable: true, data: { a: 'x' } }))), [
    'immutable: Forbidden: field is immutable when `immutable` is set',
    'data: Forbidden: field is immutable when `immutable` is set',
  ]);
  t.same(lines(validateSecret(of({ type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }))), [
    'data[tls.key]: Required value',
  ]);
  t.end();
});

void t.test('validateNode() wants taints unique by key and effect', (t) => {
  const taint = { key: 'a', value: 'b', effect: 'NoSchedule' };
  t.same(validateNode(of({ spec: { taints: [taint, { ...taint, effect: 'NoExecute' }] } })), []);
  t.match(lines(validateNode(of({ spec: { taints: [taint, taint] } }))), [
    /taints must be unique by key and effect pair$/,
  ]);
  t.match(lines(validateNode(of({ spec: { taints: [{ key: 'a' }] } }))), ['metadata.taints[0].effect: Required value']);
  t.end();
});

void t.test('validateNodeUpdate() lets taints and a first pod range through, and no second one', (t) => {
  const old = of({ spec: {} });
  const ranged = { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] };
  t.same(validateNodeUpdate(of({ spec: { ...ranged, unschedulable: true, taints: [] } }), old), []);
  t.same(lines(validateNodeUpdate(of({ spec: {} }), of({ spec: ranged }))), [
    'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
  ]);
  t.same(lines(validateNodeUpdate(of({ spec: { externalID: 'x' } }), old)), [
    '[]: Forbidden: node updates may only change labels, taints, or capacity',
  ]);
  t.end();
});

void t.test('validateRole() and validateBinding() keep paths out of namespaces', (t) => {
  t.same(lines(validateRole(of({ rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }), false)), []);
  t.same(lines(validateRole(of({ rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }), true)), [
    'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
  ]);
  t.same(lines(validateRole(of({ rules: [{ verbs: [] }] }), true)), [
    'rules[0].verbs: Required value: verbs must contain at least one value',
    'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
    'rules[0].resources: Required value: resource rules must supply at least one resource',
  ]);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
  t.same(lines(validateBinding(of({ roleRef, subjects: [] }), false)), [
    'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
  ]);
  t.end();
});

void t.test('validateEndpointSlice() refuses endpoints that lead back to the host', (t) => {
  const slice = {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'] }],
    ports: [{ name: 'a', protocol: 'TCP', port: 1 }],
  };
  t.same(lines(validateEndpointSlice(of(slice))), [
    'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ]);
  t.same(validateEndpointSlice(of({ ...slice, endpoints: [{ addresses: ['10.0.0.1'] }] })), []);
  t.end();
});

void t.test('validateCertificateRequest() wants a request, usages and a signer with a domain', (t) => {
  const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----').toString('base64');
  const spec = { request, usages: ['client auth'], signerName: 'example.com/a' };
  t.same(validateCertificateRequest(of({ spec })), []);
  t.same(
    lines(validateCertificateRequest(of({ spec: { request: '', signerName: 'a' } }))).map((line) => line.split(':')[0]),
    ['spec.request', 'spec.usages', 'spec.signerName'],
  );
  t.end();
});

void t.test('validateEvent() wants an event beside what it is about', (t) => {
  t.same(validateEvent(of({ metadata: { namespace: 'default' }, involvedObject: { kind: 'Node' } })), []);
  t.same(lines(validateEvent(of({ metadata: { namespace: 'a' }, involvedObject: { namespace: 'b' } }))), [
    'involvedObject.namespace: Invalid value: "b": does not match event.namespace',
  ]);
  t.end();
});

void t.test('validateReplicaStatus() compares the parts with the whole', (t) => {
  const fields = ['replicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'];
  t.same(
    validateReplicaStatus({ replicas: 2, readyReplicas: 2, availableReplicas: 1, observedGeneration: 9 }, fields),
    [],
  );
  t.same(lines(validateReplicaStatus({ replicas: 1, readyReplicas: 2 }, fields)), [
    'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
  ]);
  t.end();
});

void t.test('validateNewEvent() wants of the newer group what upstream wants', (t) => {
  t.same(lines(validateNewEvent(of({}))), [
    'eventTime: Required value',
    'type: Invalid value: "": has invalid value: ',
  ]);
  const good = { eventTime: '2026-01-01T00:00:00.000000Z', type: 'Normal' };
  t.same(validateNewEvent(of(good)), []);
  t.same(lines(validateNewEvent(of({ ...good, count: 2, source: { component: 'x' } }))), [
    'count: Invalid value: "": needs to be unset',
    'source: Invalid value: "": needs to be unset',
  ]);
  t.end();
});
