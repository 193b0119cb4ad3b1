import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Pod } from '../../../src/api/objects.ts';
import { silentLog } from '../../../src/host/log.ts';
import { PodCgroups } from '../../../src/kubelet/sandbox/pod-cgroups.ts';

function pod(uid: string, requests: object, limits: object = {}): Pod {
  return {
    metadata: { uid },
    spec: { containers: [{ name: 'main', image: 'i', resources: { requests, limits } }] },
  } as Pod;
}

const OPTIONS = { driver: 'cgroupfs', allocatableBytes: 2 ** 30, allocatableCpuMilli: 4000, log: silentLog } as const;
const GUARANTEED = { cpu: '1', memory: '64Mi' };

for (const version of [1, 2] as const)
  void t.test(`PodCgroups.balance() weighs burstable pods by what they asked for together, v${version}`, async (t) => {
    const mount = await mkdtemp(join(tmpdir(), 'bramble-cgroup-'));
    t.teardown(() => rm(mount, { recursive: true, force: true }));
    if (version === 1) await mkdir(join(mount, 'cpu'));
    const cgroups = new PodCgroups({ ...OPTIONS, version, root: '/', mount });
    const folder = join(mount, version === 1 ? 'cpu/kubepods' : 'kubepods');
    const file = version === 1 ? 'cpu.shares' : 'cpu.weight';
    const weight = async (of: string): Promise<number> => Number(await readFile(join(folder, of, file), 'utf8'));
    await cgroups.ensureRoot();
    const whole = await weight('.');
    t.equal(await weight('burstable'), whole, 'until the pods are known');
    await cgroups.balance([
      pod('a', { cpu: '250m' }),
      pod('b', { cpu: '250m' }),
      pod('c', GUARANTEED, GUARANTEED),
      pod('d', {}),
    ]);
    // 500m: 512 shares; and as weight 1 + (512 - 2) * 9999 / 262142 (KEP-2254).
    t.equal(await weight('burstable'), version === 1 ? 512 : 20);
    t.ok((await weight('burstable')) < whole / 4);
    await cgroups.balance([]);
    t.equal(await weight('burstable'), version === 1 ? 2 : 1);
  });

for (const version of [1, 2] as const)
  void t.test(`PodCgroups.podsMemory() tells what is left for pods together, v${version}`, async (t) => {
    const mount = await mkdtemp(join(tmpdir(), 'bramble-cgroup-'));
    t.teardown(() => rm(mount, { recursive: true, force: true }));
    const folder = join(mount, version === 1 ? 'memory' : '', 'test/kubepods');
    await mkdir(folder, { recursive: true });
    if (version === 2) await writeFile(join(mount, 'cgroup.controllers'), 'cpu memory\n');
    const cgroups = new PodCgroups({ ...OPTIONS, version, root: '/test', mount });
    const [limit, usage] =
      version === 1 ? ['memory.limit_in_bytes', 'memory.usage_in_bytes'] : ['memory.max', 'memory.current'];
    const prefix = version === 1 ? 'total_' : '';
    await writeFile(join(folder, limit), '1000\n');
    await writeFile(join(folder, usage), '900\n');
    await writeFile(join(folder, 'memory.stat'), `${prefix}active_file 100\n${prefix}inactive_file 200\n`);
    t.same(await cgroups.podsMemory(), { capacity: 1000, available: 400 });
    await writeFile(join(folder, limit), version === 1 ? '9223372036854771712\n' : 'max\n');
    t.equal(await cgroups.podsMemory(), undefined);
  });
