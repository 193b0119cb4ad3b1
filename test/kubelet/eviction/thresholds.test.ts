import t from 'tap';
import { PressureConditions } from '../../../src/kubelet/eviction/pressure-conditions.ts';
import {
  DEFAULT_THRESHOLDS,
  metThresholds,
  parseThresholds,
  pressuresOf,
} from '../../../src/kubelet/eviction/thresholds.ts';
import type { Observation, Signal } from '../../../src/kubelet/eviction/thresholds.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const fine: readonly (readonly [Signal, Observation])[] = [
  ['memory.available', { available: GIB / 2, capacity: GIB }],
  ['nodefs.available', { available: 50 * GIB, capacity: 100 * GIB }],
  ['nodefs.inodesFree', { available: 900, capacity: 1000 }],
  ['imagefs.available', { available: 50 * GIB, capacity: 100 * GIB }],
  ['pid.available', { available: 32_668, capacity: 32_768 }],
];

void t.test('metThresholds() knows upstream hard thresholds, memory first', (t) => {
  const met = (...changed: readonly (readonly [Signal, Observation])[]): readonly string[] =>
    metThresholds(DEFAULT_THRESHOLDS, new Map([...fine, ...changed])).map(({ signal }) => signal);
  t.same(met(), []);
  t.same(met(['memory.available', { available: 100 * MIB, capacity: GIB }]), [], 'not below');
  t.same(met(['memory.available', { available: 100 * MIB - 1, capacity: GIB }]), ['memory.available']);
  t.same(
    met(['allocatableMemory.available', { available: 99 * MIB, capacity: GIB - 100 * MIB }]),
    ['allocatableMemory.available'],
    'all pods together come close to their limit',
  );
  t.same(met(['imagefs.available', { available: 14 * GIB, capacity: 100 * GIB }]), ['imagefs.available']);
  t.same(met(['nodefs.available', { available: 14 * GIB, capacity: 100 * GIB }]), [], '10 % there');
  t.same(met(['nodefs.inodesFree', { available: 0, capacity: 0 }]), [], 'btrfs counts no inodes');
  const all = metThresholds(
    DEFAULT_THRESHOLDS,
    new Map([
      ['pid.available', { available: 68, capacity: 32_768 }],
      ['nodefs.available', { available: 1, capacity: 100 * GIB }],
      ['memory.available', { available: 1, capacity: GIB }],
    ]),
  );
  t.match(all, [{ signal: 'memory.available', quantity: 100 * MIB }, { quantity: 10 * GIB }, { quantity: 1638 }]);
  t.same([...pressuresOf(all)], ['MemoryPressure', 'DiskPressure', 'PIDPressure']);
  t.end();
});

void t.test('PressureConditions come at once and stay for five minutes after their cause', (t) => {
  const conditions = new PressureConditions();
  t.notOk(conditions.update(new Set(), 0));
  t.ok(conditions.update(new Set(['MemoryPressure']), 1000));
  t.notOk(conditions.update(new Set(), 300_999));
  t.same(conditions.current, ['MemoryPressure']);
  t.ok(conditions.update(new Set(['DiskPressure']), 301_000));
  t.same(conditions.current, ['DiskPressure']);
  t.end();
});

void t.test('parseThresholds() reads what upstream --eviction-hard does', (t) => {
  t.same(parseThresholds('memory.available<5%, nodefs.available<1Gi'), {
    'memory.available': '5%',
    'nodefs.available': '1Gi',
  });
  t.same(parseThresholds(''), {});
  t.throws(() => parseThresholds('disk<1Gi'), { reason: 'BadRequest', message: /unknown eviction signal "disk"/ });
  t.throws(() => parseThresholds('memory.available<much'), { reason: 'BadRequest', message: /much/ });
  t.end();
});
