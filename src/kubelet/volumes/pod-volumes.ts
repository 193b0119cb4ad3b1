import { errorText } from '../../api/error-text.ts';
import type { Pod, Volume } from '../../api/objects.ts';
import { StatusError } from '../../api/status.ts';
import { mountsBelow } from '../../host/mount.ts';
import { contentPlugins } from './content-volume.ts';
import { emptyDirPlugin } from './empty-dir.ts';
import { hostPathPlugin } from './host-path.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';
import {
  removeEmptyVolumesDirectory,
  removeVolumeDirectory,
  volumeDirectoriesOf,
  volumesDirectory,
} from './volume-directory.ts';
import type { MountedVolume, PodVolumes, VolumeHost, VolumePlugin } from './volume-plugin.ts';

/** How often content is compared with the API: a change is seen in pods after this at most (upstream: a minute and more). */
const REFRESH_MS = 20_000;

/** The volumes of all pods on this board. A kind of volume is a plugin in the list below. */
export function createPodVolumes(host: VolumeHost): PodVolumes {
  const tokens = new ServiceAccountTokens(host);
  const plugins: readonly VolumePlugin[] = [emptyDirPlugin(host), hostPathPlugin, ...contentPlugins(host, tokens)];
  const ready = new Set<string>();

  const setupPod = async (pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, MountedVolume>> => {
    const mounted = new Map<string, MountedVolume>();
    for (const volume of pod.spec?.volumes ?? []) {
      signal.throwIfAborted();
      mounted.set(volume.name, await setup(pluginFor(plugins, volume), pod, volume, signal));
    }
    ready.add(pod.metadata?.uid ?? '');
    return mounted;
  };

  const refreshPod = async (pod: Pod, signal: AbortSignal): Promise<void> => {
    for (const volume of pod.spec?.volumes ?? []) {
      try {
        await pluginFor(plugins, volume).refresh?.(pod, volume, signal);
      } catch (error) {
        // What the pod has stays as it was: a ConfigMap taken away does not take files from under a running program.
        if (!signal.aborted) host.log.debug('could not refresh a volume', { volume: volume.name, error });
      }
    }
  };

  return {
    setupPod,
    async teardownPod(podUid) {
      ready.delete(podUid);
      tokens.forget(podUid);
      for (const path of await volumeDirectoriesOf(host.rootDir, podUid)) await removeVolumeDirectory(path);
      await removeEmptyVolumesDirectory(host.rootDir, podUid);
    },
    async hasVolumes(podUid) {
      if ((await volumeDirectoriesOf(host.rootDir, podUid)).length > 0) return true;
      return (await mountsBelow(volumesDirectory(host.rootDir, podUid))).length > 0;
    },
    async run(signal) {
      while (!signal.aborted) {
        await host.clock.sleepMs(REFRESH_MS, signal).catch(() => undefined);
        for (const pod of host.pods()) {
          if (signal.aborted) return;
          if (ready.has(pod.metadata?.uid ?? '')) await refreshPod(pod, signal);
        }
      }
    },
  };
}

/** @throws StatusError BadRequest for a kind that no plugin knows */
function pluginFor(plugins: readonly VolumePlugin[], volume: Volume): VolumePlugin {
  const plugin = plugins.find((one) => one.supports(volume));
  if (plugin !== undefined) return plugin;
  const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'nothing';
  throw new StatusError('BadRequest', `volumes of the kind ${kind} are not supported by this kubelet yet`);
}

async function setup(plugin: VolumePlugin, pod: Pod, volume: Volume, signal: AbortSignal): Promise<MountedVolume> {
  try {
    return await plugin.setup(pod, volume, signal);
  } catch (error) {
    const message = errorText(error);
    const reason = error instanceof StatusError ? error.reason : 'InternalError';
    throw new StatusError(reason, `MountVolume.SetUp failed for volume "${volume.name}" : ${message}`, {
      cause: error,
    });
  }
}
