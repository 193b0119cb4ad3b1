import t from 'tap';
import type { Container } from '../../src/api/objects.ts';
import type { LinuxResources } from '../../src/host/cri/cri-config.ts';
import { planResizes } from '../../src/kubelet/resize-actions.ts';
import type { Resize } from '../../src/kubelet/resize-actions.ts';
import { containerOf, made, podOf, runtimeOf } from './runtime-state.ts';

const LIMITS = { memoryCapacityBytes: 2 ** 30, cgroupVersion: 1, hasSwapLimit: false } as const;
const MIB = 2 ** 20;

function plan(container: Partial<Container>, actual: LinuxResources | undefined): readonly Resize[] {
  const pod = podOf({ containers: [containerOf('main', container)] });
  return planResizes(pod, runtimeOf({ ...made('main', 'running'), resources: actual }), LIMITS);
}

void t.test('planResizes() brings running containers to the limits of the spec', (t) => {
  const resources = { limits: { cpu: '500m', memory: '64Mi' } };
  const enforced = { cpuShares: 512, cpuPeriod: 100_000, cpuQuota: 50_000, memoryLimitInBytes: 64 * MIB };
  t.same(plan({ resources }, enforced), [], 'nothing to do');
  t.same(plan({ resources }, undefined), [], 'the runtime does not say');
  t.same(plan({ resources }, {}), [], 'the runtime says nothing');
  t.match(plan({ resources }, { ...enforced, cpuQuota: 20_000 }), [
    { containerId: 'main-0', needsRestart: false, resources: { cpuQuota: 50_000, cpuShares: 512 } },
  ]);
  t.match(plan({}, enforced), [{ resources: { cpuShares: 2, cpuQuota: -1, memoryLimitInBytes: -1 } }], 'lifted');
  t.same(plan({}, { cpuShares: 2, cpuQuota: -1, memoryLimitInBytes: -1 }), [], 'and then it is so');
  t.end();
});

void t.test('planResizes() asks for a restart where the policy of what changed does', (t) => {
  const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }];
  const resources = { limits: { cpu: '500m', memory: '64Mi' } };
  const enforced = { cpuShares: 512, cpuQuota: 50_000, memoryLimitInBytes: 64 * MIB };
  t.match(plan({ resources, resizePolicy }, { ...enforced, cpuQuota: 1000 }), [{ needsRestart: false }]);
  t.match(plan({ resources, resizePolicy }, { ...enforced, memoryLimitInBytes: MIB }), [{ needsRestart: true }]);
  t.end();
});
