import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import type { Clock } from '../../src/host/clock.ts';
import type { Images, Runtime } from '../../src/host/cri/cri.ts';
import { silentLog } from '../../src/host/log.ts';
import type { KubeletParts } from '../../src/kubelet/kubelet-parts.ts';
import { podUid } from '../../src/kubelet/pod-identity.ts';
import type { MountedVolume, PodVolumes } from '../../src/kubelet/volumes/volume-plugin.ts';

/** Settles when aborted: for parts that do nothing. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** emptyDir only, in a plain folder. */
function emptyDirVolumes(rootDir: string): PodVolumes {
  const folder = (uid: string): string => join(rootDir, 'pods', uid, 'volumes');
  return {
    async setupPod(pod) {
      const mounted = new Map<string, MountedVolume>();
      for (const { name } of pod.spec?.volumes ?? []) {
        const hostPath = join(folder(podUid(pod)), name);
        await mkdir(hostPath, { recursive: true, mode: 0o777 });
        mounted.set(name, { name, hostPath, readOnly: false });
      }
      return mounted;
    },
    teardownPod: async (uid) => rm(folder(uid), { recursive: true, force: true }),
    hasVolumes: async (uid) => (await stat(folder(uid)).catch(() => undefined)) !== undefined,
    run: untilAborted,
  };
}

/** A kubelet's parts: the runtime given, nothing that probes or serves. */
export function testParts(runtime: Runtime, images: Images, clock: Clock = systemClock): KubeletParts {
  return {
    runtime,
    images,
    clock,
    log: silentLog,
    createVolumes: ({ rootDir }) => emptyDirVolumes(rootDir),
    createProbes: () => ({
      addPod: () => undefined,
      stopLivenessAndStartup: () => undefined,
      removePod: () => undefined,
      run: untilAborted,
    }),
    httpHook: async () => '',
    runServer: async (_view, _options, _client, signal) => untilAborted(signal),
  };
}
