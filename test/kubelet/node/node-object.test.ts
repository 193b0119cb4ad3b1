import t from 'tap';
import { FakeApiClient } from '../../fake/api-client.ts';
import { createFakeClock } from '../../fake/clock.ts';
import { silentLog } from '../../../src/host/log.ts';
import { leases } from '../../../src/client/resources.ts';
import { runNodeLease } from '../../../src/kubelet/node/node-lease.ts';
import { DEFAULT_THRESHOLDS } from '../../../src/kubelet/eviction/thresholds.ts';
import { nodeEvents } from '../../../src/kubelet/node/node-events.ts';
import { hasStatusChanged, newNode, nodeStatus, runtimeProblems } from '../../../src/kubelet/node/node-object.ts';
import type { NodeFacts } from '../../../src/kubelet/node/node-object.ts';

const GIB = 2 ** 30;
const facts: NodeFacts = {
  name: 'w1',
  board: {
    cpuMilli: 4000,
    memoryBytes: GIB,
    storageBytes: 100 * GIB,
    machineId: 'm',
    systemUuid: 's',
    bootId: 'b',
    kernelVersion: '6.12',
    osImage: 'Debian GNU/Linux 13 (trixie)',
    architecture: 'arm64',
    cgroupVersion: 2,
    hasSwapLimit: true,
  },
  pressures: [],
  thresholds: DEFAULT_THRESHOLDS,
  reserved: { cpuMilli: 250, memoryBytes: 128 * 2 ** 20, storageBytes: 0 },
  podsMax: 110,
  addresses: ['192.0.2.7', '2001:db8::7'],
  port: 10250,
  runtimeVersion: 'containerd://1.7.24',
  images: [],
  problems: [],
  nowMs: Date.UTC(2026, 0, 1),
};

void t.test('nodeStatus() tells capacity, what pods may use, addresses and health', (t) => {
  const status = nodeStatus(facts, undefined);
  t.same(status.capacity, { cpu: '4', memory: '1Gi', 'ephemeral-storage': '100Gi', pods: '110' });
  t.same(status.allocatable, { cpu: '3750m', memory: '796Mi', 'ephemeral-storage': '90Gi', pods: '110' });
  t.same(status.addresses, [
    { type: 'InternalIP', address: '192.0.2.7' },
    { type: 'InternalIP', address: '2001:db8::7' },
    { type: 'Hostname', address: 'w1' },
  ]);
  t.match(status.conditions, [
    { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory' },
    { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure' },
    { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID' },
    { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
  ]);
  const pressures = ['DiskPressure', 'MemoryPressure', 'PIDPressure'] as const;
  const bad = nodeStatus({ ...facts, pressures, problems: ['one', 'two'] }, status);
  t.match(bad.conditions, [
    { status: 'True', reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' },
    { status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' },
    { status: 'True', reason: 'KubeletHasInsufficientPID', message: 'kubelet has insufficient PID available' },
    { status: 'False', message: '[one, two]' },
  ]);
  t.end();
});

void t.test('nodeStatus() keeps when a condition changed, and conditions of others', (t) => {
  const own = { type: 'UnderVoltage', status: 'True' };
  const before = nodeStatus(facts, undefined);
  const later = nodeStatus(
    { ...facts, nowMs: facts.nowMs + 60_000 },
    { ...before, conditions: [own, ...(before.conditions ?? [])] },
  );
  const ready = later.conditions?.find(({ type }) => type === 'Ready');
  t.match(ready, { lastTransitionTime: '2026-01-01T00:00:00Z', lastHeartbeatTime: '2026-01-01T00:01:00Z' });
  t.ok(later.conditions?.some(({ type }) => type === 'UnderVoltage'));
  t.notOk(hasStatusChanged(before, nodeStatus({ ...facts, nowMs: facts.nowMs + 1 }, before)), 'only the heartbeat');
  t.ok(hasStatusChanged(before, nodeStatus({ ...facts, problems: ['x'] }, before)));
  t.end();
});

void t.test('newNode() carries the labels and taints that it was given', (t) => {
  const taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' as const };
  const node = newNode(facts, { labels: { 'node-role.kubernetes.io/control-plane': '' }, taints: [taint] });
  t.match(node.metadata?.labels, {
    'kubernetes.io/arch': 'arm64',
    'kubernetes.io/hostname': 'w1',
    'node-role.kubernetes.io/control-plane': '',
  });
  t.same(node.spec?.taints, [taint]);
  t.end();
});

void t.test('nodeEvents() tells of a reboot and of conditions that turned', (t) => {
  const before = nodeStatus(facts, undefined);
  t.same(
    nodeEvents('w1', undefined, before).map(({ reason }) => reason),
    ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID', 'NodeReady'],
  );
  t.same(nodeEvents('w1', before, before), []);
  const board = { ...facts.board, bootId: 'c' };
  t.same(nodeEvents('w1', before, nodeStatus({ ...facts, board, problems: ['x'] }, before)), [
    { type: 'Warning', reason: 'Rebooted', message: 'Node w1 has been rebooted, boot id: c' },
    { type: 'Normal', reason: 'NodeNotReady', message: 'Node w1 status is now: NodeNotReady' },
  ]);
  t.end();
});

void t.test('runtimeProblems() says why as upstream does', (t) => {
  const ready = { type: 'RuntimeReady', status: true, reason: '', message: '' };
  const down = { type: 'NetworkReady', status: false, reason: 'NetworkPluginNotReady', message: 'm' };
  t.same(runtimeProblems([ready, down]), {
    runtime: undefined,
    network: 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:m',
  });
  t.end();
});

void t.test('runNodeLease() renews at its pace, and goes on after failures', async (t) => {
  const clock = createFakeClock();
  const client = new FakeApiClient(() => new Date(clock.nowMs()));
  const stop = new AbortController();
  const node = newNode(facts, { labels: {}, taints: [] });
  const options = {
    client,
    nodeName: 'w1',
    clock,
    log: silentLog,
    node: () => node,
    durationSeconds: 16,
    renewMs: 4000,
  };
  const running = runNodeLease(options, stop.signal);
  const renewedAt = async (): Promise<number> => {
    await clock.advance(0);
    return Date.parse((await client.get(leases, 'kube-node-lease', 'w1')).spec?.renewTime ?? '') - clock.nowMs();
  };
  t.equal(await renewedAt(), 0);
  await clock.advance(3000);
  t.equal(await renewedAt(), -3000);
  await clock.advance(1000);
  t.equal(await renewedAt(), 0);
  client.onCall = () => {
    throw new Error('no API server');
  };
  await clock.advance(6000);
  client.onCall = () => undefined;
  await clock.advance(1000);
  t.equal(await renewedAt(), 0);
  t.match(await client.get(leases, 'kube-node-lease', 'w1'), {
    spec: { holderIdentity: 'w1', leaseDurationSeconds: 16 },
  });
  stop.abort();
  await running;
});
