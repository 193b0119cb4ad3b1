import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { readBoard, readPressure } from '../../src/host/board.ts';

const GIB = 2 ** 30;

/** A board's files below a folder: 8 GiB in /proc/meminfo, and what is given. */
async function boardOf(t: Test, files: Readonly<Record<string, string>>): Promise<{ root: string; storage: string }> {
  const root = await mkdtemp(join(tmpdir(), 'bramble-board-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const all = {
    'proc/meminfo': 'MemTotal:       8388608 kB\nMemAvailable:   4194304 kB\nSwapTotal:  1024 kB\n',
    'proc/loadavg': '0.00 0.01 0.05 1/123 4567\n',
    'proc/sys/kernel/pid_max': '32768\n',
    'proc/sys/kernel/random/boot_id': 'boot-1\n',
    'etc/machine-id': 'machine-1\n',
    'etc/os-release': 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return { root, storage: root };
}

void t.test('readBoard() without limits: what the kernel says', async (t) => {
  const board = await readBoard(
    await boardOf(t, { 'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n' }),
  );
  t.match(board, {
    memoryBytes: 8 * GIB,
    machineId: 'machine-1',
    systemUuid: 'machine-1',
    bootId: 'boot-1',
    osImage: 'Debian GNU/Linux 13 (trixie)',
    cgroupVersion: 1,
    hasSwapLimit: false,
  });
  t.match(board.architecture, /^(amd64|arm64)$/);
  t.ok(board.cpuMilli >= 1000 && board.storageBytes > 0);
});

void t.test('readBoard() of a board whose cap is in its cgroup', async (t) => {
  const v1 = await readBoard(
    await boardOf(t, {
      'sys/fs/cgroup/memory/memory.limit_in_bytes': String(GIB),
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    }),
  );
  t.match(v1, { memoryBytes: GIB, cpuMilli: 500, cgroupVersion: 1 });
  const v2 = await readBoard(
    await boardOf(t, {
      'sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
      'sys/fs/cgroup/memory.max': `${GIB}\n`,
      'sys/fs/cgroup/cpu.max': 'max 100000\n',
    }),
  );
  t.match(v2, { memoryBytes: GIB, cgroupVersion: 2, hasSwapLimit: true });
  t.ok(v2.cpuMilli >= 1000);
});

void t.test('readPressure() counts what is left under the cap', async (t) => {
  const paths = await boardOf(t, {
    'sys/fs/cgroup/memory/memory.limit_in_bytes': String(GIB),
    'sys/fs/cgroup/memory/memory.usage_in_bytes': String(GIB / 2),
    'sys/fs/cgroup/memory/memory.stat': `cache 1\ninactive_file 5\ntotal_inactive_file ${GIB / 4}\n`,
  });
  t.match(await readPressure(paths), { memoryAvailableBytes: (GIB * 3) / 4, pids: 123, pidsMax: 32_768 });
  // Images that were just unpacked are used lately, and no reason to evict a pod.
  const unpacked = await boardOf(t, {
    'sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
    'sys/fs/cgroup/memory.max': `${GIB}\n`,
    'sys/fs/cgroup/memory.current': String(GIB),
    'sys/fs/cgroup/memory.stat': `active_file ${GIB / 4}\ninactive_file ${GIB / 8}\nslab_reclaimable ${GIB / 8}\n`,
  });
  t.match(await readPressure(unpacked), { memoryAvailableBytes: GIB / 2 });
  const free = await readPressure(await boardOf(t, {}));
  t.equal(free.memoryAvailableBytes, 4 * GIB);
});
