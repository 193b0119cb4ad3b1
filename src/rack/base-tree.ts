import { createHash } from 'node:crypto';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../host/exec.ts';
import { followProgram } from './follow-program.ts';
import { RackError } from './rack-error.ts';
import type { RackPaths } from './rack-paths.ts';

/** One Debian tree that all boards share read-only. */
export interface BaseTree {
  readonly dir: string;
  /** Seconds it took to build; 0 when it was there. */
  readonly builtInSeconds: number;
}

/** What Raspberry Pi OS is made from, with the packages that the playbook wants, so that it installs none of them. */
const SUITE = 'trixie';
const PACKAGES = {
  // A board as it is delivered: its init, network, ssh, and what Ansible needs on it.
  board: [
    'systemd systemd-sysv dbus openssh-server python3 python3-apt iproute2 iputils-ping kmod procps util-linux mount',
    'netbase ca-certificates curl less tcpdump',
  ],
  // What the playbook's roles install on a real board.
  roles: ['containerd runc containernetworking-plugins nftables conntrack e2fsprogs iputils-arping'],
  // The rack's own: clients of one version on every host, the images' only program, and Ansible to run from inside.
  rack: ['etcd-client kubernetes-client busybox-static ansible-core openssh-client'],
};
const DEFAULT_MIRROR = 'http://deb.debian.org/debian';
const SECURITY_MIRROR = 'http://deb.debian.org/debian-security';

/** Debian's word for this machine. @throws RackError on a machine that no board is like */
export function debianArchitecture(arch: string): 'amd64' | 'arm64' {
  if (arch === 'x64') return 'amd64';
  if (arch === 'arm64') return 'arm64';
  throw new RackError(`the rack runs on x86_64 and arm64 machines: this one is "${arch}"`);
}

/** Folders' and files' name for a recipe: another one when the recipe changes. */
function baseTreeKey(architecture: string): string {
  const recipe = JSON.stringify([SUITE, architecture, PACKAGES, mmdebstrapArguments('', '', '')]);
  return `${SUITE}-${architecture}-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}`;
}

/** Gives the tree, built by mmdebstrap when this machine has none of the present recipe (about half a minute). */
export async function ensureBaseTree(
  paths: RackPaths,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<BaseTree> {
  const key = baseTreeKey(debianArchitecture(process.arch));
  const dir = join(paths.bases, key);
  if (await exists(dir)) return { dir, builtInSeconds: 0 };
  const startMs = performance.now();
  await mkdir(paths.bases, { recursive: true });
  // Trees of older recipes, and one whose building was cut off.
  for (const other of await readdir(paths.bases)) await rm(join(paths.bases, other), { recursive: true, force: true });
  const partial = `${dir}.partial`;
  const mirror = process.env['BRAMBLE_DEBIAN_MIRROR'] ?? DEFAULT_MIRROR;
  const onLine = (line: string): void => {
    if (line.startsWith('I: ')) onProgress(line.slice(3));
  };
  await followProgram(mmdebstrapArguments(partial, mirror, await aptProxy(signal)), onLine, signal);
  await finish(partial, signal);
  await rename(partial, dir);
  return { dir, builtInSeconds: (performance.now() - startMs) / 1000 };
}

function mmdebstrapArguments(target: string, mirror: string, proxy: string): string[] {
  return [
    'mmdebstrap',
    '--variant=minbase',
    `--include=${Object.values(PACKAGES).flat().join(' ').replaceAll(' ', ',')}`,
    '--aptopt=Acquire::Languages "none"',
    ...(proxy === '' ? [] : [`--aptopt=Acquire::http::Proxy "${proxy}"`]),
    ...['man', 'locale', 'doc', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    SUITE,
    target,
    `deb ${mirror} ${SUITE} main`,
    `deb ${mirror} ${SUITE}-updates main`,
    `deb ${SECURITY_MIRROR} ${SUITE}-security main`,
  ];
}

/** A proxy that this machine's apt is told to use; mmdebstrap has a configuration of its own and would not know. */
async function aptProxy(signal: AbortSignal): Promise<string> {
  const { stdout } = await exec(['apt-config', 'dump', '--format=%v', 'Acquire::http::Proxy'], { signal });
  return stdout.trim();
}

/** Takes out what must differ from board to board, and work that a board does on a clock of its own. */
async function finish(tree: string, signal: AbortSignal): Promise<void> {
  const ssh = join(tree, 'etc/ssh');
  const hostKeys = (await readdir(ssh)).filter((name) => name.startsWith('ssh_host_'));
  for (const path of [...hostKeys.map((name) => join(ssh, name)), join(tree, 'etc/machine-id')]) {
    await rm(path, { force: true });
  }
  const units = [
    'apt-daily.timer',
    'apt-daily-upgrade.timer',
    'dpkg-db-backup.timer',
    'fstrim.timer',
    'e2scrub_all.timer',
  ];
  await exec(['systemctl', `--root=${tree}`, '--quiet', 'disable', ...units, 'e2scrub_reap.service'], { signal });
  await exec(['systemctl', `--root=${tree}`, '--quiet', 'enable', 'systemd-networkd.service', 'ssh.service'], {
    signal,
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
