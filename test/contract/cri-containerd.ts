import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exec, execAny } from '../../src/host/exec.ts';
import { GrpcChannel } from '../../src/host/grpc/grpc-channel.ts';
import { buildBusyboxArchive } from './cri-image.ts';

export const BUSYBOX = 'docker.io/library/busybox:1';
const PAUSE = 'registry.k8s.io/pause:3.9';
const PAUSE_COMMAND = ['/bin/sh', '-c', "trap 'exit 0' TERM INT; sleep 2147483647 & wait"];

/** A containerd of one test's own: root, state, socket, CNI configuration and network namespace. */
export interface Containerd {
  readonly socket: string;
  readonly folder: string;
  /** Below it the test's pods get their cgroups: `/bramble-test-<pid>`. */
  readonly cgroupRoot: string;
  readonly channel: GrpcChannel;
  /** Pulls the plug: SIGKILL to containerd and everything it started, then starts it again on the same disk. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** Why the real runtime cannot be tested here; undefined when it can. */
export function whyNoContainerd(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const program of ['/usr/bin/containerd', '/usr/sbin/runc', '/bin/busybox'])
    if (!existsSync(program)) return `needs ${program}`;
  if (!existsSync('/usr/lib/cni/bridge')) return 'needs containernetworking-plugins';
  return undefined;
}

let count = 0;

/** Starts a private containerd with busybox and pause imported. */
export async function startContainerd(): Promise<Containerd> {
  count += 1;
  const name = `brk${process.pid % 10_000}x${count}`;
  const folder = await mkdtemp(join(tmpdir(), 'bramble-cri-'));
  const socket = join(folder, 'c.sock');
  await exec(['ip', 'netns', 'add', name]);
  await exec(['nsenter', `--net=/run/netns/${name}`, 'ip', 'link', 'set', 'lo', 'up']);
  await writeFiles(folder, name);
  const run = async (): Promise<ChildProcess> => {
    // Not `ip netns exec`: that would mount a new /sys, without the cgroups.
    const program = ['containerd', '--config', join(folder, 'config.toml')];
    // It goes when the test is killed.
    const argv = [`--net=/run/netns/${name}`, 'setpriv', '--pdeathsig', 'KILL', ...program];
    const child = spawn('nsenter', argv, { stdio: ['ignore', 'ignore', 'ignore'] });
    for (let i = 0; i < 150; i += 1) {
      const { code } = await execAny(['ctr', '-a', socket, 'version'], { timeoutMs: 5000 });
      if (code === 0) return child;
      await sleep(100);
    }
    throw new Error('containerd did not start');
  };
  let child = await run();
  await importImages(folder, socket);
  const cgroupRoot = `/bramble-test-${name}`;
  const channel = new GrpcChannel({ url: `unix://${socket}` });
  const stop = async (): Promise<void> => {
    await kill(child, folder);
  };
  return {
    socket,
    folder,
    cgroupRoot,
    channel,
    crash: async () => {
      await stop();
      child = await run();
    },
    close: async () => {
      channel.close();
      await stop();
      await execAny(['ip', 'netns', 'del', name]);
      await unmountBelow(folder);
      await removeCgroups(cgroupRoot);
      await removeNamespaces(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeFiles(folder: string, name: string): Promise<void> {
  for (const dir of ['root', 'state', 'net.d']) await mkdir(join(folder, dir), { recursive: true });
  const plugin = 'plugins."io.containerd.grpc.v1.cri"';
  const config = `version = 2
root = "${folder}/root"
state = "${folder}/state"
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "${folder}/c.sock"
[${plugin}]
  sandbox_image = "${PAUSE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
[${plugin}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${folder}/net.d"
[${plugin}.containerd]
  snapshotter = "overlayfs"
`;
  await writeFile(join(folder, 'config.toml'), config);
  const bridge = {
    type: 'bridge',
    bridge: `${name.slice(0, 10)}b0`,
    isGateway: true,
    ipMasq: false,
    ipam: { type: 'host-local', ranges: [[{ subnet: '10.211.7.0/24' }]], dataDir: join(folder, 'ipam') },
  };
  const conflist = { cniVersion: '1.0.0', name, plugins: [bridge] };
  await writeFile(join(folder, 'net.d/10-test.conflist'), JSON.stringify(conflist));
}

async function importImages(folder: string, socket: string): Promise<void> {
  const images = [{ name: BUSYBOX }, { name: PAUSE, entrypoint: PAUSE_COMMAND }];
  for (const image of images) {
    const archive = await buildBusyboxArchive(join(folder, 'images'), image);
    await exec(['ctr', '-a', socket, '-n', 'k8s.io', 'image', 'import', archive], { timeoutMs: 60_000 });
  }
}

/** Kills containerd, its shims and their containers: only processes that belong to this folder. */
/** Network namespaces of sandboxes that were killed rather than stopped: containerd's own notes name them. */
async function removeNamespaces(folder: string): Promise<void> {
  const notes = await readFile(join(folder, 'root/io.containerd.metadata.v1.bolt/meta.db'), 'latin1').catch(() => '');
  const names = new Set(notes.match(/cni-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g));
  for (const name of names) await execAny(['ip', 'netns', 'delete', name]);
}

async function kill(child: ChildProcess, folder: string): Promise<void> {
  const ended = child.exitCode !== null ? Promise.resolve() : new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await ended;
  const { stdout } = await execAny(['pgrep', '-f', `containerd-shim-runc-v2.*${folder}/`]);
  const shims = stdout.split('\n').filter((pid) => pid !== '');
  for (const pid of shims) await killTree(Number(pid));
}

async function killTree(pid: number): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
  for (const child of children.split(' ').filter((one) => one !== '')) await killTree(Number(child));
}

/** The folders of the test's pods in every controller; the kernel removes them only from the innermost on. */
async function removeCgroups(cgroupRoot: string): Promise<void> {
  const mount = '/sys/fs/cgroup';
  const controllers = (await readdir(mount)).map((name) => join(mount, name, cgroupRoot));
  for (const top of [join(mount, cgroupRoot), ...controllers]) {
    const below = await readdir(top, { recursive: true, withFileTypes: true }).catch(() => []);
    const folders = below.filter((entry) => entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
    const deepestFirst = [top, ...folders].toSorted((a, b) => b.length - a.length);
    for (const folder of deepestFirst) await rmdir(folder).catch(() => undefined);
  }
}

async function unmountBelow(folder: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  const paths = mounts
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of paths.toReversed()) await execAny(['umount', '-l', path]);
}
