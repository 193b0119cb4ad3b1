/**
 * `npm run bench`: every benchmark in turn, each bounded in time by itself; `npm run bench -- store-writes` one of them.
 * Benchmarks compare with a peer in the same run where one is installed, and print ratios.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename } from 'node:path';

/** Files that others run. */
const PARTS = new Set(['run', 'memory-board', 'memory-load', 'put-load', 'store-members']);

const wanted = process.argv.slice(2);
const all = globSync('bench/*.ts').toSorted();
for (const file of all) {
  const name = basename(file, '.ts');
  if (PARTS.has(name) || (wanted.length > 0 && !wanted.includes(name))) continue;
  process.stdout.write(`\n== ${name}\n`);
  const { status } = spawnSync(process.execPath, [file], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
