import { open } from 'node:fs/promises';
import { isReason } from '../../api/status.ts';
import type { Runtime, RuntimeContainerStatus, SandboxStatus } from '../../host/cri/cri.ts';
import { POD_UID, terminationMessage } from './cri-labels.ts';
import { tailLog } from '../container/log-tail.ts';
import type { RuntimePod } from './runtime-pod.ts';

/** The most that a container's last words may be, and the most that its log gives instead (upstream). */
const MESSAGE_BYTES_MAX = 4096;
const LOG_BYTES_MAX = 2048;
const LOG_LINES_MAX = 80;

/** Whose state is read. */
export interface PodIdentity {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** All that the runtime has of a pod, containers' last words included. @throws StatusError of the runtime */
export async function readRuntimePod(runtime: Runtime, pod: PodIdentity, signal: AbortSignal): Promise<RuntimePod> {
  const listed = await runtime.listSandboxes(signal, pod.uid);
  const sandboxes: SandboxStatus[] = [];
  for (const { id } of listed) {
    const status = await unlessGone(runtime.sandboxStatus(id, signal));
    if (status !== undefined) sandboxes.push(status);
  }
  const containers: RuntimeContainerStatus[] = [];
  for (const { id } of await runtime.listContainers({ labels: { [POD_UID]: pod.uid } }, signal)) {
    const status = await unlessGone(runtime.containerStatus(id, signal));
    if (status !== undefined) containers.push(await withLastWords(status));
  }
  // Attempts before times: after a reboot without a clock the newest may look oldest.
  sandboxes.sort((a, b) => b.metadata.attempt - a.metadata.attempt || b.createdAtMs - a.createdAtMs);
  containers.sort((a, b) => (a.name === b.name ? b.attempt - a.attempt : 0) || b.createdAtMs - a.createdAtMs);
  const ready = sandboxes.find(({ state }) => state === 'ready');
  return { ...pod, sandboxes, containers, ips: ready?.ips ?? [] };
}

async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  });
}

async function withLastWords(status: RuntimeContainerStatus): Promise<RuntimeContainerStatus> {
  if (status.state !== 'exited') return status;
  const { path, fallsBackToLog } = terminationMessage(status.annotations);
  const mount = status.mounts.find(({ containerPath }) => containerPath === path && path !== '');
  let words = mount === undefined ? '' : await readStart(mount.hostPath);
  if (words === '' && fallsBackToLog && status.exitCode !== 0)
    words = await tailLog(status.logPath, LOG_LINES_MAX, LOG_BYTES_MAX);
  if (words === '') return status;
  return { ...status, message: status.message === '' ? words : `${status.message}: ${words}` };
}

/** The file's first bytes; nothing when it cannot be read. */
async function readStart(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MESSAGE_BYTES_MAX), 0, MESSAGE_BYTES_MAX, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
