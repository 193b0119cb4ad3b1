import t from 'tap';
import type { Pod } from '../../../src/api/objects.ts';
import { defaultPod } from '../../../src/api/defaults/default-pod.ts';
import { validatePod, validatePodUpdate } from '../../../src/api/validation/pod.ts';

/** A pod with this spec, defaulted; `c` stands for fields of its one container. */
function pod({ c = {}, ...spec }: { readonly c?: object; readonly [field: string]: unknown }): Pod {
  const made = { spec: { containers: [{ name: 'c', image: 'i', ...c }], ...spec } } as unknown as Pod;
  defaultPod(made);
  return made;
}

function complaints(made: Pod): string[] {
  return validatePod(made).map(({ field, message }) => `${field}: ${message}`);
}

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/** Texts as kube-apiserver 1.36 has them (pkg/apis/core/validation/validation.go). */
void t.test('validatePod() complains in upstream words, at upstream paths', (t) => {
  const table: readonly (readonly [string, Parameters<typeof pod>[0], readonly string[]])[] = [
    ['a plain pod', {}, []],
    ['no container', { containers: [] }, ['spec.containers: Required value']],
    ['a bad name', { c: { name: 'A' } }, [`spec.containers[0].name: Invalid value: "A": ${LABEL}`]],
    ['no image', { c: { image: '' } }, ['spec.containers[0].image: Required value']],
    [
      'a request above its limit',
      { c: { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } } },
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      'a negative limit',
      { c: { resources: { limits: { memory: '-1' } } } },
      [
        'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
        'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    [
      'a port out of range',
      { c: { ports: [{ containerPort: 70000 }] } },
      ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [
      'a mount of nothing',
      { c: { volumeMounts: [{ name: 'v', mountPath: '/v' }] } },
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    [
      'a probe without a handler',
      { c: { livenessProbe: {} } },
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      'a liveness probe that asks for two successes',
      { c: { livenessProbe: { successThreshold: 2, tcpSocket: { port: 80 } } } },
      ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    ],
    [
      'an unknown restart policy',
      { restartPolicy: 'Maybe' },
      ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      'a toleration with seconds but another effect',
      { tolerations: [{ key: 'a', effect: 'NoSchedule', operator: 'Exists', tolerationSeconds: 1 }] },
      [
        `spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be 'NoExecute' when \`tolerationSeconds\` is set`,
      ],
    ],
    [
      'a variable of an unknown field',
      { c: { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.nope' } } }] } },
      [
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nope": error converting fieldPath: field label not supported: spec.nope',
      ],
    ],
    [
      'a token that lives too shortly',
      {
        volumes: [
          { name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 1 } }] } },
        ],
      },
      [
        'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
      ],
    ],
    [
      'DNS by hand without a server',
      { dnsPolicy: 'None' },
      ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    ],
    [
      'two volumes of one name',
      { volumes: [{ name: 'v' }, { name: 'v' }] },
      ['spec.volumes[1].name: Duplicate value: "v"'],
    ],
    [
      'a volume with two sources',
      { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] },
      ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    ],
  ];
  for (const [what, given, expected] of table) t.same(complaints(pod(given)), expected, what);
  t.end();
});

void t.test('validatePodUpdate() lets images change, tolerations be added, deadlines shrink, and nothing else', (t) => {
  const toleration = { key: 'a', operator: 'Exists' };
  const old = pod({ activeDeadlineSeconds: 100, tolerations: [toleration] });
  const table: readonly (readonly [string, Parameters<typeof pod>[0], number])[] = [
    ['the same', { activeDeadlineSeconds: 100, tolerations: [toleration] }, 0],
    ['another image', { c: { image: 'j' }, activeDeadlineSeconds: 100, tolerations: [toleration] }, 0],
    [
      'one more toleration',
      { activeDeadlineSeconds: 100, tolerations: [toleration, { key: 'b', operator: 'Exists' }] },
      0,
    ],
    ['one toleration less', { activeDeadlineSeconds: 100 }, 1],
    ['a shorter deadline', { activeDeadlineSeconds: 50, tolerations: [toleration] }, 0],
    ['a longer deadline', { activeDeadlineSeconds: 150, tolerations: [toleration] }, 1],
    ['another name', { c: { name: 'd' }, activeDeadlineSeconds: 100, tolerations: [toleration] }, 1],
    ['another node', { nodeName: 'w1', activeDeadlineSeconds: 100, tolerations: [toleration] }, 1],
  ];
  for (const [what, given, count] of table) t.equal(validatePodUpdate(pod(given), old).length, count, what);
  t.end();
});
