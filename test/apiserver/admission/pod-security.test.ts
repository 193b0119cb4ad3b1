import t from 'tap';
import type { PodSpec } from '../../../src/api/objects.ts';
import { type Level, violations } from '../../../src/apiserver/admission/pod-security-checks.ts';

const SAFE = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

function spec(securityContext: object, rest: object = {}): PodSpec {
  return { containers: [{ name: 'c', image: 'i', securityContext }], ...rest };
}

// https://kubernetes.io/docs/concepts/security/pod-security-standards
void t.test('violations() names what each level forbids, and where', (t) => {
  const table: readonly (readonly [string, Level, PodSpec, string])[] = [
    ['nothing special', 'baseline', spec({}), ''],
    ['all that is asked', 'restricted', spec(SAFE), ''],
    ['anything', 'privileged', spec({ privileged: true }), ''],
    [
      'privileged',
      'baseline',
      spec({ privileged: true }),
      'privileged (container "c" must not set securityContext.privileged=true)',
    ],
    [
      'the host network',
      'baseline',
      spec({}, { hostNetwork: true, hostPID: true }),
      'host namespaces (hostNetwork=true, hostPID=true)',
    ],
    [
      'a host path',
      'baseline',
      spec({}, { volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
      'hostPath volumes (volume "v")',
    ],
    [
      'a capability',
      'baseline',
      spec({ capabilities: { add: ['SYS_ADMIN', 'CHOWN'] } }),
      'non-default capabilities (container "c" must not include "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      'a sysctl',
      'baseline',
      spec({}, { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
      'forbidden sysctls (kernel.msgmax)',
    ],
    ['root', 'restricted', spec({ ...SAFE, runAsUser: 0 }), 'runAsUser=0 (container "c" must not set runAsUser=0)'],
    [
      'the pod speaks for its containers',
      'restricted',
      spec(
        { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } },
      ),
      '',
    ],
  ];
  for (const [what, level, pod, expected] of table) t.equal(violations(pod, level), expected, `${what} at ${level}`);
  t.end();
});
