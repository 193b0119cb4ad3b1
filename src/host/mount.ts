import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exec } from './exec.ts';

/**
 * Mounts below `given`, itself included, innermost first (proc(5), mountinfo). Links above it are followed, as the
 * kernel tells where a mount really is; one at its end is not.
 */
export async function mountsBelow(given: string): Promise<readonly string[]> {
  const folder = await realpath(dirname(given)).catch(() => dirname(given));
  const path = join(folder, basename(given));
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  const points = text
    .split('\n')
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((point) => point === path || point.startsWith(`${path}/`));
  return points.toSorted((a, b) => b.length - a.length);
}

/** The kernel writes space, tab, newline and backslash as octal. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Mounts a tmpfs that holds at most `bytesMax` (the kernel's default, half of the memory, when absent). */
export async function mountTmpfs(path: string, bytesMax?: number): Promise<void> {
  const size = bytesMax === undefined ? [] : [`size=${bytesMax}`];
  await exec(['mount', '-t', 'tmpfs', '-o', ['rw', 'nosuid', 'nodev', ...size].join(','), 'tmpfs', path]);
}

/** Takes every mount at and below `path` away; in use or not, none is left for new users. */
export async function unmountBelow(path: string): Promise<void> {
  for (const point of await mountsBelow(path)) await exec(['umount', '-l', point]);
}
