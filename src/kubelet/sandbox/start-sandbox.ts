import { mkdir } from 'node:fs/promises';
import { errorText } from '../../api/error-text.ts';
import type { Pod } from '../../api/objects.ts';
import { isReason } from '../../api/status.ts';
import type { SandboxConfig } from '../../host/cri/cri-config.ts';
import { podLogDir } from '../kubelet-paths.ts';
import type { KubeletDeps } from '../kubelet-deps.ts';
import { podDns } from './pod-dns.ts';
import { podHostname, sandboxHostname } from './pod-hostname.ts';
import { podUid } from '../pod-identity.ts';
import { sandboxConfig } from './sandbox-config.ts';

/** The CRI configuration of the pod's sandbox as it is now. */
export async function makeSandboxConfig(deps: KubeletDeps, pod: Pod, attempt: number): Promise<SandboxConfig> {
  return sandboxConfig(pod, {
    attempt,
    hostname: sandboxHostname(pod, podHostname(pod, deps.clusterDomain)),
    logDirectory: podLogDir(deps.paths, pod),
    dns: podDns(pod, await deps.dns()),
    cgroupParent: deps.cgroups.parentOf(pod),
  });
}

/**
 * Runs the pod's sandbox. A name that a pulled plug left reserved is freed once: the sandbox that holds it is removed,
 * for nothing else can make it run again (containerd issue 10842).
 *
 * @returns its id
 * @throws StatusError of the runtime, after the FailedCreatePodSandBox event
 */
export async function startSandbox(
  deps: KubeletDeps,
  pod: Pod,
  config: SandboxConfig,
  signal: AbortSignal,
): Promise<string> {
  await mkdir(config.logDirectory, { recursive: true, mode: 0o755 });
  const handler = pod.spec?.runtimeClassName ?? deps.runtimeHandler;
  try {
    // Not to be passed over: whoever asks for it counts on root in the pod being nobody on the board.
    if (pod.spec?.hostUsers === false) throw new Error(`runtime handler "${handler}" does not support user namespaces`);
    return await deps.runtime.runSandbox(config, handler, signal).catch(async (error: unknown) => {
      if (!isReason(error, 'AlreadyExists')) throw error;
      await removeReserved(deps, pod, error, signal);
      return deps.runtime.runSandbox(config, handler, signal);
    });
  } catch (error) {
    signal.throwIfAborted();
    const message = `Failed to create pod sandbox: ${errorText(error)}`;
    deps.events.emit(pod, { type: 'Warning', reason: 'FailedCreatePodSandBox', message });
    throw error;
  }
}

/** `failed to reserve sandbox name "x_ns_uid_0": name "x_ns_uid_0" is reserved for "<id>"` */
async function removeReserved(deps: KubeletDeps, pod: Pod, error: unknown, signal: AbortSignal): Promise<void> {
  const named = /is reserved for "([0-9a-f]+)"/.exec(errorText(error))?.[1];
  const listed = await deps.runtime.listSandboxes(signal, podUid(pod));
  const stale = listed.filter(({ state }) => state !== 'ready').map(({ id }) => id);
  for (const id of new Set(named === undefined ? stale : [named, ...stale])) {
    deps.log.warn('a sandbox of before holds the name: removed', { pod: podUid(pod), sandbox: id });
    await deps.runtime.stopSandbox(id, signal).catch(() => undefined);
    await deps.runtime.removeSandbox(id, signal);
  }
}
