import t from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { sysctlRefusal } from '../../src/kubelet/sysctl-admission.ts';

void t.test('sysctlRefusal() lets safe ones in and says of others what upstream says', (t) => {
  const refusal = (name: string, spec: object = {}, allowed: readonly string[] = []): unknown =>
    sysctlRefusal({ spec: { ...spec, securityContext: { sysctls: [{ name, value: '1' }] } } } as Pod, allowed);
  t.equal(refusal('net.ipv4.ip_unprivileged_port_start'), undefined);
  t.equal(refusal('net/ipv4/tcp_syncookies'), undefined);
  const message = 'forbidden sysctl: "net.core.somaxconn" not allowlisted';
  t.same(refusal('net.core.somaxconn'), { reason: 'SysctlForbidden', message });
  t.equal(refusal('net.core.somaxconn', {}, ['net.core.*']), undefined);
  t.match(refusal('net.core.somaxconn', { hostNetwork: true }, ['net.*']), {
    message: /not allowed with host net enabled$/,
  });
  t.match(refusal('kernel.shm_rmid_forced', { hostIPC: true }), { message: /not allowed with host ipc enabled$/ });
  t.match(refusal('kernel.panic', {}, ['net.*']), { message: /not allowlisted$/ });
  t.equal(sysctlRefusal({ spec: { containers: [] } } as unknown as Pod, []), undefined);
  t.end();
});
