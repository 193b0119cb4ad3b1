import t from 'tap';
import { conformObject } from '../../../src/api/schema/conform.ts';
import { builtInShapes } from '../../../src/api/schema/load.ts';
import type { ObjectShape } from '../../../src/api/schema/shape.ts';
import { strictProblems } from '../../../src/api/schema/strict-scan.ts';

const shapes = builtInShapes();

function shapeOf(definition: string): ObjectShape {
  const shape = shapes.get(definition);
  if (shape === undefined) throw new Error(definition);
  return shape;
}

const deployment = shapeOf('io.k8s.api.apps.v1.Deployment');
const pod = shapeOf('io.k8s.api.core.v1.Pod');

function conformed(object: object, shape = pod): object {
  const copy = structuredClone(object);
  conformObject(copy, shape, shapes);
  return copy;
}

void t.test('conformObject() drops unknown fields and nulls and brings quantities and times to their one form', (t) => {
  const result = conformed({
    metadata: { name: 'x', creationTimestamp: '2026-01-01T02:00:00+02:00', labels: null, foo: 1 },
    spec: { containers: [{ name: 'a', resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }] },
  });
  t.same(result, {
    metadata: { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { containers: [{ name: 'a', resources: { limits: { cpu: '500m', memory: '1Gi' } } }] },
  });
  t.end();
});

// Go's `omitempty`: what is empty is not written
void t.test(
  'conformObject() drops empty lists and maps that are optional, and keeps required ones and objects',
  (t) => {
    const result = conformed({
      metadata: { name: 'x', labels: {}, annotations: {}, finalizers: [] },
      spec: { containers: [], nodeSelector: {}, securityContext: {}, volumes: [{ name: 'a', emptyDir: {} }] },
    });
    t.same(result, {
      metadata: { name: 'x' },
      spec: { containers: [], securityContext: {}, volumes: [{ name: 'a', emptyDir: {} }] },
    });
    t.end();
  },
);

// encoding/json UnmarshalTypeError
void t.test('conformObject() complains of a wrong type in the words of Go’s decoder', (t) => {
  for (const [object, message] of [
    [
      { spec: { replicas: 'x' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { template: { spec: { containers: {} } } } },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
    [
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [{ metadata: [] }, 'json: cannot unmarshal array into Go struct field Deployment.metadata of type v1.ObjectMeta'],
  ] as const)
    t.throws(() => conformed(object, deployment), { message });
  t.end();
});

// sigs.k8s.io/json: unknown and duplicate fields in the order of the text, each once
void t.test('strictProblems() names unknown and duplicate fields by their path, in the order of the text', (t) => {
  const text = `{"apiVersion":"v1","metadata":{"name":"a","labels":{"x":"1","x":"2"},"name":"b"},
    "spec":{"foo":{"foo":1,"foo":2},"containers":[{"name":"a","imagee":"} \\" {"},{"imagee":2}]},"bar":[],"bar":[]}`;
  t.same(strictProblems(text, pod, shapes), [
    'duplicate field "metadata.labels.x"',
    'duplicate field "metadata.name"',
    'unknown field "spec.foo"',
    'unknown field "spec.containers[0].imagee"',
    'unknown field "spec.containers[1].imagee"',
    'unknown field "bar"',
  ]);
  t.same(strictProblems('{"metadata":null,"spec":{"containers":[]}}', pod, shapes), []);
  t.end();
});
