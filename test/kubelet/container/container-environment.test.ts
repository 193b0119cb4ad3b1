import t from 'tap';
import type { Container } from '../../../src/api/objects.ts';
import { isReason, notFound } from '../../../src/api/status.ts';
import { containerEnvironment } from '../../../src/kubelet/container/container-environment.ts';
import type { EnvironmentSources } from '../../../src/kubelet/container/container-environment.ts';
import { expandVariables } from '../../../src/kubelet/container/expand-variables.ts';
import { serviceEnvironment } from '../../../src/kubelet/container/service-environment.ts';
import { containerOf, podOf } from '../runtime-state.ts';

const SOURCES: EnvironmentSources = {
  addresses: { podIps: ['10.244.1.2'], hostIps: ['192.0.2.7'] },
  board: { cpuMilli: 4000, memoryBytes: 1 << 30, ephemeralStorageBytes: 1 << 30 },
  services: new Map([['WEB_SERVICE_HOST', '10.96.0.5']]),
  getConfigMap: async (_, name) => {
    if (name !== 'conf') throw notFound('configmaps', name);
    return { apiVersion: 'v1', kind: 'ConfigMap', data: { color: 'red', size: 'big' } };
  },
  getSecret: async (_, name) => {
    if (name !== 'key') throw notFound('secrets', name);
    return { apiVersion: 'v1', kind: 'Secret', data: { password: Buffer.from('hidden').toString('base64') } };
  },
};

async function envOf(container: Partial<Container>): Promise<Record<string, string>> {
  const pod = podOf(
    { nodeName: 'w1' },
    { metadata: { name: 'web', namespace: 'ns1', uid: 'u1', labels: { app: 'x' } } },
  );
  return Object.fromEntries(await containerEnvironment(pod, containerOf('main', container), SOURCES));
}

// Upstream third_party/forked/golang/expansion/expand_test.go
void t.test('expandVariables() knows $(NAME), $$ and what is neither', (t) => {
  const lookup = (name: string): string | undefined => ({ A: 'x', EMPTY: '', REF: '$(A)' })[name];
  const rows: readonly [string, string][] = [
    ['$(A)', 'x'],
    ['-$(A)-$(A)', '-x-x'],
    ['$(EMPTY)', ''],
    ['$(REF)', '$(A)'],
    ['$(MISSING)', '$(MISSING)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$x'],
    ['$', '$'],
    ['$A', '$A'],
    ['$(A', '$(A'],
    ['$()', '$()'],
    ['a$$$$b', 'a$$b'],
  ];
  for (const [text, expected] of rows) t.equal(expandVariables(text, lookup), expected, text);
  t.end();
});

void t.test(
  'containerEnvironment() takes values from everywhere; env wins over envFrom, both over Services',
  async (t) => {
    const env = await envOf({
      envFrom: [{ configMapRef: { name: 'conf' }, prefix: 'C_' }, { secretRef: { name: 'key' } }],
      env: [
        { name: 'C_color', value: 'blue' },
        { name: 'MIXED', value: '$(C_color) $(C_size) $(WEB_SERVICE_HOST) $$(X)' },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'MEMORY', valueFrom: { resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } } },
        { name: 'SIZE', valueFrom: { configMapKeyRef: { name: 'conf', key: 'size' } } },
        { name: 'NONE', valueFrom: { configMapKeyRef: { name: 'other', key: 'x', optional: true } } },
      ],
      resources: { requests: { memory: '64Mi' } },
    });
    t.same(env, {
      C_color: 'blue',
      C_size: 'big',
      password: 'hidden',
      MIXED: 'blue big 10.96.0.5 $(X)',
      NODE: 'w1',
      IP: '10.244.1.2',
      APP: 'x',
      CPU: '4',
      MEMORY: '64',
      SIZE: 'big',
      WEB_SERVICE_HOST: '10.96.0.5',
    });
  },
);

void t.test('containerEnvironment() fails on what must be there and is not', async (t) => {
  const failure = async (container: Partial<Container>): Promise<unknown> => envOf(container).catch((e: unknown) => e);
  const noMap = await failure({ envFrom: [{ configMapRef: { name: 'other' } }] });
  t.ok(isReason(noMap, 'NotFound'));
  const noKey = await failure({ env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'key', key: 'none' } } }] });
  t.match(noKey, { message: "couldn't find key none in Secret ns1/key" });
});

void t.test('serviceEnvironment() names hosts and ports, and skips headless Services', (t) => {
  const service = (name: string, clusterIP: string): Parameters<typeof serviceEnvironment>[0][number] => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      clusterIP,
      ports: [
        { name: 'http', port: 80 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    },
  });
  const env = serviceEnvironment([service('my-web', '10.96.0.5'), service('headless', 'None')], undefined);
  t.same(Object.fromEntries(env), {
    MY_WEB_SERVICE_HOST: '10.96.0.5',
    MY_WEB_SERVICE_PORT: '80',
    MY_WEB_SERVICE_PORT_HTTP: '80',
    MY_WEB_SERVICE_PORT_DNS: '53',
    MY_WEB_PORT: 'tcp://10.96.0.5:80',
    MY_WEB_PORT_80_TCP: 'tcp://10.96.0.5:80',
    MY_WEB_PORT_80_TCP_PROTO: 'tcp',
    MY_WEB_PORT_80_TCP_PORT: '80',
    MY_WEB_PORT_80_TCP_ADDR: '10.96.0.5',
    MY_WEB_PORT_53_UDP: 'udp://10.96.0.5:53',
    MY_WEB_PORT_53_UDP_PROTO: 'udp',
    MY_WEB_PORT_53_UDP_PORT: '53',
    MY_WEB_PORT_53_UDP_ADDR: '10.96.0.5',
  });
  t.end();
});
