import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execAny } from '../host/exec.ts';
import { execOnBoard } from './board-exec.ts';
import { debianArchitecture } from './base-tree.ts';
import { API_PORT } from './host-ruleset.ts';
import type { Layout } from './layout.ts';
import { RackError } from './rack-error.ts';
import type { RackPaths } from './rack-paths.ts';

/** For many boards on few cores; what takes so long is shown meanwhile. */
const KUBECONFIG_TIMEOUT_MS = 300_000;
const READY_TIMEOUT_MS = 600_000;
const POLL_MS = 500;

const LOADERS = {
  amd64: { loader: 'lib64/ld-linux-x86-64.so.2', libraries: 'usr/lib/x86_64-linux-gnu' },
  arm64: { loader: 'lib/ld-linux-aarch64.so.1', libraries: 'usr/lib/aarch64-linux-gnu' },
};

/** Puts kubectl and etcdctl of the base tree into .rack/bin, to run here with the tree's own C library. */
export async function writeClients(paths: RackPaths, base: string): Promise<void> {
  const { loader, libraries } = LOADERS[debianArchitecture(process.arch)];
  await mkdir(paths.bin, { recursive: true });
  for (const name of ['kubectl', 'etcdctl']) {
    const path = join(paths.bin, name);
    await writeFile(
      path,
      `#!/bin/sh\nexec "${base}/${loader}" --library-path "${base}/${libraries}" "${base}/usr/bin/${name}" "$@"\n`,
    );
    await chmod(path, 0o755);
  }
}

/**
 * Asks the founding board for an administrator's kubeconfig, once it can give one, and writes it for who called sudo.
 * Its server is the floating address, which this machine reaches over the bridge, or the forwarded port here.
 */
export async function writeKubeconfig(
  paths: RackPaths,
  layout: Layout,
  apiPort: number | null,
  signal: AbortSignal,
): Promise<void> {
  const server = apiPort === null ? `https://${layout.apiAddress}:${API_PORT}` : `https://127.0.0.1:${apiPort}`;
  const founder = layout.boards.find((board) => board.isFounder)?.name ?? '';
  // Whatever address leads there, the certificate is good for the Service's name.
  const argv = ['bramble', 'kubeconfig', '--server', server, '--tls-server-name', 'kubernetes.default.svc'];
  const deadlineMs = performance.now() + KUBECONFIG_TIMEOUT_MS;
  for (;;) {
    const { code, stdout, stderr } = await execOnBoard(paths, founder, argv, { signal });
    if (code === 0) {
      await writeFile(paths.kubeconfig, stdout, { mode: 0o600 });
      const [uid, gid] = [process.env['SUDO_UID'], process.env['SUDO_GID']];
      if (uid !== undefined && gid !== undefined) await chown(paths.kubeconfig, Number(uid), Number(gid));
      return;
    }
    if (performance.now() > deadlineMs) {
      throw new RackError(`${founder} gives no kubeconfig: ${stderr.trim().split('\n').at(-1) ?? ''}`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** Runs the rack's kubectl with its kubeconfig; gives what it said whatever its exit code. */
export async function kubectl(
  paths: RackPaths,
  argv: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number; readonly signal: AbortSignal },
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  // Its cache would otherwise be put into the home of whoever runs this.
  const cache = `--cache-dir=${join(paths.root, 'kubectl-cache')}`;
  return execAny([join(paths.bin, 'kubectl'), `--kubeconfig=${paths.kubeconfig}`, cache, ...argv], options);
}

/** Waits until every board is a Node that is Ready. @throws RackError that names those which are not */
export async function waitForNodes(
  paths: RackPaths,
  layout: Layout,
  onProgress: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const argv = ['get', 'nodes', '--output=json', '--request-timeout=5s'];
    const { code, stdout, stderr } = await kubectl(paths, argv, { signal });
    const ready = code === 0 ? readyNodes(stdout) : new Set<string>();
    const missing = layout.boards.map(({ name }) => name).filter((name) => !ready.has(name));
    if (missing.length === 0) return;
    onProgress(`${ready.size} of ${layout.boards.length}`);
    if (performance.now() > deadlineMs) {
      const why = code === 0 ? '' : ` (${stderr.trim().split('\n').at(-1) ?? ''})`;
      throw new RackError(`not Ready: ${missing.join(' ')}${why}; see npm run rack -- logs ${missing[0]}`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** Names of the Nodes in a NodeList whose Ready condition is True. */
export function readyNodes(nodeList: string): Set<string> {
  const { items } = JSON.parse(nodeList) as {
    items: { metadata: { name: string }; status?: { conditions?: { type: string; status: string }[] } }[];
  };
  const isReady = (node: (typeof items)[number]): boolean =>
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return new Set(items.filter(isReady).map((node) => node.metadata.name));
}
