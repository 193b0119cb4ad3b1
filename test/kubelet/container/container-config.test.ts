import t from 'tap';
import { NAMESPACE_MODE, PROFILE } from '../../../src/host/cri/cri-config.ts';
import type { RuntimeImage } from '../../../src/host/cri/cri.ts';
import {
  containerResources,
  cpuQuota,
  cpuShares,
  cpuWeight,
  oomScore,
  podLimits,
} from '../../../src/kubelet/container/container-resources.ts';
import { cgroupParent, podCgroupPath } from '../../../src/kubelet/sandbox/pod-cgroup-name.ts';
import { containerSecurity, namespaces, sandboxSecurity } from '../../../src/kubelet/container/security-context.ts';
import { containerOf, podOf } from '../runtime-state.ts';

const GIB = 1 << 30;
const image = (rest: Partial<RuntimeImage>): RuntimeImage => ({
  id: 'sha256:1',
  repoTags: [],
  repoDigests: [],
  sizeBytes: 1,
  uid: undefined,
  username: '',
  isPinned: false,
  ...rest,
});
const resources = (cpu: string, memory: string): { cpu: string; memory: string } => ({ cpu, memory });

void t.test('CPU amounts become shares, weights and quotas', (t) => {
  t.same([0, 1, 100, 1000, 300_000].map(cpuShares), [2, 2, 102, 1024, 262_144]);
  t.same([2, 102, 1024, 262_144].map(cpuWeight), [1, 4, 39, 10_000]);
  t.same([0, 5, 500, 2000].map(cpuQuota), [0, 1000, 50_000, 200_000]);
  t.end();
});

// Upstream pkg/kubelet/qos/policy_test.go
void t.test('oomScore() spares guaranteed pods and those that asked for much', (t) => {
  const pod = (requests: object, limits: object): ReturnType<typeof podOf> =>
    podOf({ containers: [containerOf('a', { resources: { requests, limits } as object })] });
  const score = (subject: ReturnType<typeof podOf>): number =>
    oomScore(subject, subject.spec?.containers[0] ?? containerOf('a'), 4 * GIB);
  t.equal(score(pod({}, {})), 1000);
  t.equal(score(pod({ memory: '1Gi' }, {})), 750);
  t.equal(score(pod({ cpu: '1' }, {})), 999, 'burstable without memory');
  t.equal(score(pod({ memory: '5Gi' }, {})), 3, 'more than there is');
  t.equal(score(pod({}, resources('1', '1Gi'))), -997);
  t.equal(score(podOf({ priority: 2_000_001_000 })), -997, 'node-critical');
  t.end();
});

void t.test('containerResources() and podLimits() of limits', (t) => {
  const container = containerOf('a', { resources: { limits: resources('500m', '64Mi') } });
  const pod = podOf({ containers: [container] });
  const facts = { memoryCapacityBytes: GIB, cgroupVersion: 2, hasSwapLimit: true } as const;
  t.same(containerResources(pod, container, facts), {
    cpuShares: 512,
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    memoryLimitInBytes: 64 << 20,
    memorySwapLimitInBytes: 64 << 20,
    oomScoreAdj: -997,
    unified: { 'memory.oom.group': '1' },
  });
  t.same(podLimits(pod), { cpuShares: 512, cpuQuotaUs: 50_000, memoryBytes: 64 << 20 });
  const open = podOf({ containers: [container, containerOf('b')] });
  t.same(podLimits(open), { cpuShares: 512, cpuQuotaUs: 0, memoryBytes: 0 }, 'one without a limit opens the pod');
  t.end();
});

void t.test('cgroupParent() of a pod for both drivers', (t) => {
  const path = podCgroupPath(podOf({}, { metadata: { uid: 'a-b' } }));
  t.equal(cgroupParent(path, 'cgroupfs'), '/kubepods/besteffort/poda-b');
  t.equal(cgroupParent(path, 'cgroupfs', '/test/'), '/test/kubepods/besteffort/poda-b');
  t.equal(cgroupParent(path, 'systemd'), '/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-poda_b.slice');
  t.end();
});

void t.test('containerSecurity(): the container wins over the pod, the pod over the image', (t) => {
  const pod = podOf({ securityContext: { runAsUser: 1000, fsGroup: 2000, supplementalGroups: [3000] } });
  const own = containerSecurity(pod, containerOf('a', { securityContext: { runAsUser: 5 } }), image({ uid: 7 }));
  t.match(own, { runAsUser: { value: 5 }, supplementalGroups: [2000, 3000], privileged: false });
  t.match(containerSecurity(pod, containerOf('a'), image({ uid: 7 })), { runAsUser: { value: 1000 } });
  t.match(containerSecurity(podOf({}), containerOf('a'), image({ uid: 7 })), { runAsUser: { value: 7 } });
  t.match(containerSecurity(podOf({}), containerOf('a'), image({ username: 'www' })), { runAsUsername: 'www' });
  const plain = containerSecurity(podOf({}), containerOf('a'), image({}));
  t.same(plain.seccomp, { profileType: PROFILE.unconfined });
  t.ok((plain.maskedPaths ?? []).includes('/proc/kcore'));
  t.end();
});

void t.test('containerSecurity() of privileges', (t) => {
  const of = (securityContext: object): ReturnType<typeof containerSecurity> =>
    containerSecurity(podOf({}), containerOf('a', { securityContext }), image({}));
  t.match(of({ privileged: true }), {
    privileged: true,
    maskedPaths: [],
    seccomp: { profileType: PROFILE.unconfined },
  });
  t.equal(of({ allowPrivilegeEscalation: false }).noNewPrivs, true);
  t.equal(of({ allowPrivilegeEscalation: false, capabilities: { add: ['SYS_ADMIN'] } }).noNewPrivs, false);
  t.same(of({ seccompProfile: { type: 'RuntimeDefault' } }).seccomp, { profileType: PROFILE.runtimeDefault });
  t.equal(of({ readOnlyRootFilesystem: true }).readonlyRootfs, true);
  t.same(of({ capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } }).capabilities, {
    addCapabilities: ['NET_ADMIN'],
    dropCapabilities: ['ALL'],
  });
  t.end();
});

void t.test('containerSecurity() refuses root where root must not be', (t) => {
  const of = (runAsUser: number | undefined, of: Partial<RuntimeImage>): unknown => {
    const securityContext = { runAsNonRoot: true, ...(runAsUser === undefined ? {} : { runAsUser }) };
    return containerSecurity(podOf({}), containerOf('a', { securityContext }), image(of));
  };
  t.throws(() => of(undefined, { uid: 0 }), /container has runAsNonRoot and image will run as root/);
  t.throws(() => of(undefined, {}), /image will run as root/);
  t.throws(() => of(undefined, { username: 'www' }), /non-numeric user \(www\)/);
  t.throws(() => of(0, { uid: 7 }), /container's runAsUser breaks non-root policy/);
  t.doesNotThrow(() => of(7, { uid: 0 }));
  t.doesNotThrow(() => of(undefined, { uid: 7 }));
  t.end();
});

void t.test('namespaces() of host and shared pods', (t) => {
  const { pod, container, node, target } = NAMESPACE_MODE;
  t.same(namespaces(podOf({})), { network: pod, ipc: pod, pid: container });
  t.same(namespaces(podOf({ hostNetwork: true, hostPID: true, hostIPC: true })), {
    network: node,
    ipc: node,
    pid: node,
  });
  t.same(namespaces(podOf({ shareProcessNamespace: true })), { network: pod, ipc: pod, pid: pod });
  t.same(namespaces(podOf({}), 'abc'), { network: pod, ipc: pod, pid: target, targetId: 'abc' });
  const privileged = podOf({ containers: [containerOf('a', { securityContext: { privileged: true } })] });
  t.equal(sandboxSecurity(privileged).privileged, true);
  t.end();
});
