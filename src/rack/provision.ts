import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { followProgram } from './follow-program.ts';
import { renderInventory, renderKnownHosts } from './inventory.ts';
import type { Layout } from './layout.ts';
import { IMAGE_NAMES } from './rack-images.ts';
import { RackError } from './rack-error.ts';
import { boardPaths } from './rack-paths.ts';
import type { RackPaths } from './rack-paths.ts';

/** What a run of the playbook did to all boards together. */
export interface ProvisionResult {
  readonly changed: number;
  readonly failed: number;
}

// Where the playbook's root has what it needs of ours.
const CHECKOUT = '/opt/bramble';
const RACK = '/run/rack';

const FAILURES_SHOWN = 5;

/**
 * Runs `ansible/site.yml` on all boards, with the Ansible of the base tree: that of the host may be too old for the
 * boards' Python (2.14 of Debian 12 is).
 *
 * @param onTask told the name of each task as it begins
 * @throws RackError with Ansible's last lines when a task fails on a board; all lines are in .rack/log/ansible.log
 */
export async function provision(
  paths: RackPaths,
  base: string,
  layout: Layout,
  onTask: (task: string) => void,
  signal: AbortSignal,
): Promise<ProvisionResult> {
  await writeInventory(paths, layout);
  await mkdir(paths.log, { recursive: true });
  const log = join(paths.log, 'ansible.log');
  await rm(log, { force: true });
  const lines: string[] = [];
  const onLine = (line: string): void => {
    lines.push(line);
    const task = /^(?:TASK|RUNNING HANDLER) \[(.*)\]/.exec(line)?.[1];
    if (task !== undefined) onTask(task);
  };
  try {
    await followProgram(playbookArguments(paths, base), onLine, signal);
  } catch (error) {
    const failures = lines
      .map(describeFailure)
      .filter((text) => text !== null)
      .slice(0, FAILURES_SHOWN);
    if (failures.length === 0) throw error;
    throw new RackError(`the playbook failed (all of it: ${log}):\n${failures.join('\n')}`, { cause: error });
  } finally {
    await appendFile(log, `${lines.join('\n')}\n`);
  }
  return recap(lines);
}

/** What a `fatal:` line of Ansible says about a board, in one line; null when it is another line. */
export function describeFailure(line: string): string | null {
  const [, board, json = ''] = /^fatal: \[([^\]]*)\]: \S+ => (\{.*\})$/.exec(line) ?? [];
  if (board === undefined) return null;
  const { msg = '', stderr = '', censored } = JSON.parse(json) as { msg?: string; stderr?: string; censored?: string };
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return `${board}: ${censored ?? (said === '' ? msg : said)}`;
}

/** Adds up the lines of Ansible's recap. */
export function recap(lines: readonly string[]): ProvisionResult {
  const sum = (word: string): number =>
    lines
      .map((line) => new RegExp(`^\\S+\\s*:.*\\b${word}=(\\d+)`).exec(line)?.[1])
      .reduce((total, count) => total + Number(count ?? 0), 0);
  return { changed: sum('changed'), failed: sum('failed') + sum('unreachable') };
}

/** The base tree with a root that forgets, on this machine's own network. */
function playbookArguments(paths: RackPaths, base: string): string[] {
  return [
    'systemd-nspawn --quiet --volatile=overlay --machine=bramble-ansible --register=no --keep-unit --as-pid2'.split(
      ' ',
    ),
    '--console=pipe --resolv-conf=off --timezone=off --setenv=HOME=/root --setenv=LC_ALL=C.UTF-8'.split(' '),
    `--directory=${base}`,
    `--bind-ro=${paths.checkout}:${CHECKOUT}:norbind`,
    `--bind-ro=${paths.root}:${RACK}:norbind`,
    // Named, since Ansible does not trust an ansible.cfg in a folder that others may write to.
    `--setenv=ANSIBLE_CONFIG=${CHECKOUT}/ansible/ansible.cfg`,
    `--chdir=${CHECKOUT}/ansible`,
    `ansible-playbook --inventory ${RACK}/inventory.json site.yml`.split(' '),
  ].flat();
}

async function writeInventory(paths: RackPaths, layout: Layout): Promise<void> {
  const keys = new Map<string, string>();
  for (const { name } of layout.boards) {
    keys.set(name, await readFile(join(boardPaths(paths, name).dir, 'ssh_host_ed25519_key.pub'), 'utf8'));
  }
  await writeFile(join(paths.ssh, 'known_hosts'), renderKnownHosts(layout, keys));
  const places = {
    privateKey: join(RACK, 'ssh/id_ed25519'),
    knownHosts: join(RACK, 'ssh/known_hosts'),
    imageArchive: join(RACK, 'images.tar'),
    imageNames: IMAGE_NAMES,
  };
  await writeFile(paths.inventory, renderInventory(layout, places));
}
