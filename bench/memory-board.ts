import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A control board in namespaces of its own: as on a real one, but that this stands in the place of systemd. */
const CHECKOUT = join(import.meta.dirname, '..');
const CACHE = '/var/cache/bramble';
/** Folders of the machine that the board has a private, empty copy of. */
const PRIVATE = [
  '/etc/bramble',
  '/etc/cni',
  CACHE,
  '/var/lib/bramble',
  '/var/lib/containerd',
  '/var/lib/kubelet',
  '/var/log/pods',
  '/run/bramble',
  '/run/containerd',
];

export const PARTS = ['store', 'server', 'agent'] as const;
export type PartName = (typeof PARTS)[number];

/**
 * Runs this program again as process 1 of a board's namespaces. All that runs in them dies with it. Gives its exit code.
 */
export async function runOnBoard(script: string, args: readonly string[]): Promise<number> {
  const made = PRIVATE.map((path) => mkdirSync(path, { recursive: true })).filter((path) => path !== undefined);
  const apart = ['--mount', '--net', '--pid', '--cgroup', '--fork', '--kill-child', '--mount-proc'];
  const child = spawn('unshare', [...apart, process.execPath, script, ...args], { stdio: 'inherit' });
  // unshare itself takes no notice of these while it waits.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill('SIGKILL'));
  const code = await new Promise<number>((settle) => child.once('exit', (status) => settle(status ?? 1)));
  for (const path of made) rmdirSync(path);
  return code;
}

/** Makes the board's network, folders and configuration, starts its containerd, and founds a cluster on it. */
export function makeBoard(entry: string, logs: string): void {
  const ip = (text: string): void => void execFileSync('ip', text.split(' '));
  ip('link set lo up');
  ip('link add eth0 type veth peer name cable');
  ip('link set cable up');
  ip('link set eth0 up');
  ip('address add 10.9.0.2/24 dev eth0');
  ip('route add default via 10.9.0.1');
  for (const path of PRIVATE) execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path]);
  execFileSync('umount', ['-R', '/sys/fs/cgroup']);
  execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup']);
  writeFileSync('/etc/bramble/config.yaml', 'name: bench\nrole: control\nfound: true\ntaints: []\n', { mode: 0o600 });
  spawn('containerd', { stdio: ['ignore', 'ignore', openSync(join(logs, 'containerd.log'), 'w')] });
  execFileSync(process.execPath, [entry, 'init']);
  execFileSync(process.execPath, [entry, 'join'], { stdio: 'ignore' });
}

/** Starts a part with the environment of its unit. */
export function startPart(part: PartName, entry: string, logs: string): ChildProcess {
  const log = openSync(join(logs, `${part}.log`), 'a');
  const env = { ...process.env, ...unitEnvironment(part) };
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, part], {
    env,
    stdio: ['ignore', log, log],
  });
}

/** What the unit's `Environment=` lines set. */
function unitEnvironment(part: PartName): Record<string, string> {
  const unit = readFileSync(join(CHECKOUT, `systemd/bramble-${part}.service`), 'utf8');
  const env: Record<string, string> = {};
  for (const [, line = ''] of unit.matchAll(/^Environment=(.*)$/gm))
    for (const [, name = '', quoted, plain = ''] of line.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g))
      env[name] = quoted ?? plain;
  return env;
}
