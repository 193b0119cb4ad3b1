import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { pauseProgram } from '../../src/rack/pause-program.ts';

const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

void t.test('pauseProgram() sleeps until SIGTERM or SIGINT, then ends with 0', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'pause-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const path = join(dir, 'pause');
  await writeFile(path, pauseProgram(architecture), { mode: 0o755 });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const child = spawn(path, { stdio: 'ignore' });
    await once(child, 'spawn');
    await untilAsleep(child.pid ?? 0);
    child.kill(signal);
    t.same(await once(child, 'exit'), [0, null], signal);
  }
});

void t.test('pauseProgram() is an executable of either architecture', (t) => {
  // e_machine of the ELF specification's supplements: 62 x86-64, 183 AArch64.
  t.equal(pauseProgram('amd64').readUInt16LE(18), 62);
  t.equal(pauseProgram('arm64').readUInt16LE(18), 183);
  t.end();
});

/** It has set up its signals when it waits for one. */
async function untilAsleep(pid: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    if (/^State:\s+S/m.test(status) && /^SigIgn:.*1....$/m.test(status)) return;
    await sleep(10);
  }
  throw new Error('pause does not come to rest');
}
