import t from 'tap';
import type { Service } from '../../../src/api/objects.ts';
import { defaultService } from '../../../src/api/defaults/default-service.ts';
import { validateService, validateServiceUpdate } from '../../../src/api/validation/service.ts';

function service(spec: object): Service {
  const made = { spec: { ports: [{ port: 80 }], ...spec } } as unknown as Service;
  defaultService(made);
  return made;
}

void t.test('validateService() complains in upstream words, at upstream paths', (t) => {
  const table: readonly (readonly [string, object, readonly string[]])[] = [
    ['a plain one', {}, []],
    ['no ports', { ports: [] }, ['spec.ports: Required value']],
    ['headless without ports', { ports: [], clusterIP: 'None' }, []],
    [
      'two ports without names',
      { ports: [{ port: 1 }, { port: 2 }] },
      ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
    ],
    [
      'an unknown type',
      { type: 'X' },
      ['spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    ],
    [
      'a node port without need',
      { ports: [{ port: 1, nodePort: 30000 }] },
      [`spec.ports[0].nodePort: Forbidden: may not be used when \`type\` is 'ClusterIP'`],
    ],
    [
      'a policy without need',
      { externalTrafficPolicy: 'Local' },
      ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ],
    [
      'a loopback address',
      { externalIPs: ['127.0.0.1'] },
      ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ],
  ];
  for (const [what, spec, expected] of table)
    t.same(
      validateService(service(spec)).map(({ field, message }) => `${field}: ${message}`),
      expected,
      what,
    );
  t.end();
});

void t.test('validateServiceUpdate() keeps the address as long as there is one', (t) => {
  const old = service({ clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'] });
  const moved = service({ clusterIP: '10.96.0.6', clusterIPs: ['10.96.0.6'] });
  t.same(
    validateServiceUpdate(moved, old).map(({ field, message }) => `${field}: ${message}`),
    ['spec.clusterIPs[0]: Invalid value: ["10.96.0.6"]: may not change once set'],
  );
  t.same(validateServiceUpdate(service({ type: 'ExternalName', externalName: 'a.b' }), old), []);
  t.end();
});
