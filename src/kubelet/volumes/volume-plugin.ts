import type { ConfigMap, Pod, Secret, TokenRequest, Volume } from '../../api/objects.ts';
import type { ApiClient } from '../../client/api-client.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';

/** A volume of a pod that is ready to be mounted into containers. */
export interface MountedVolume {
  /** The volume's name in the pod's spec. */
  readonly name: string;
  /** Directory or file on the board that containers get bind-mounted. */
  readonly hostPath: string;
  /** The volume itself may not be written, whatever the mount says (ConfigMap, Secret, projected, downward API). */
  readonly readOnly: boolean;
}

/**
 * All volumes of all pods, as the pod's sync sees them. `createPodVolumes(host)` in pod-volumes.ts gives the real one.
 * Everything here may be called again after a failure or a restart, and then finishes what was begun.
 */
export interface PodVolumes {
  /**
   * Makes every volume of the pod ready: content written, file systems mounted, fsGroup applied. Quick when they are.
   *
   * @param pod with the API's current spec; container env is no business of volumes
   * @returns by volume name
   * @throws StatusError NotFound (a ConfigMap or Secret that must exist, text as upstream's `configmap "x" not found`),
   * or any other reason: the sync reports FailedMount and comes back
   */
  setupPod(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, MountedVolume>>;
  /** Unmounts and removes all volumes of a pod that has no container left, known to the API or not. */
  teardownPod(podUid: string, signal: AbortSignal): Promise<void>;
  /** Whether anything of the pod is still mounted or on disk below its volumes directory. */
  hasVolumes(podUid: string): Promise<boolean>;
  /** Keeps what changes fresh (ConfigMap, Secret, downward API, tokens) in the pods set up, until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** What volume plugins may use of the kubelet. */
export interface VolumeHost {
  /** `/var/lib/kubelet`: a pod's volumes live in `pods/<uid>/volumes/<plugin name with ~ for />/<volume>`. */
  readonly rootDir: string;
  readonly nodeName: string;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Cached briefly, fresh enough for a pod's start. @throws StatusError NotFound, Forbidden, ... */
  getConfigMap(namespace: string, name: string, signal: AbortSignal): Promise<ConfigMap>;
  getSecret(namespace: string, name: string, signal: AbortSignal): Promise<Secret>;
  /** A token bound to the pod (POST serviceaccounts/<name>/token). */
  createToken(
    namespace: string,
    serviceAccount: string,
    request: TokenRequest,
    signal: AbortSignal,
  ): Promise<TokenRequest>;
  /** Pods that run here, as the API has them now: what `run` refreshes. */
  pods(): readonly Pod[];
  /** The value of a downward API item, as env has it (fieldRef, resourceFieldRef with its divisor). */
  downwardValue(pod: Pod, item: DownwardItem): string;
}

/** One item of a downwardAPI volume. */
export interface DownwardItem {
  readonly fieldRef?: { readonly fieldPath: string };
  readonly resourceFieldRef?: {
    readonly containerName?: string;
    readonly resource: string;
    readonly divisor?: string | number;
  };
}

/** One kind of volume. */
export interface VolumePlugin {
  /** As upstream's, with the slash: `kubernetes.io/empty-dir`. */
  readonly name: string;
  supports(volume: Volume): boolean;
  setup(pod: Pod, volume: Volume, signal: AbortSignal): Promise<MountedVolume>;
  /** Writes changed content; absent where nothing changes. */
  refresh?(pod: Pod, volume: Volume, signal: AbortSignal): Promise<void>;
  /** @param path the volume's own directory below the pod's volumes directory */
  teardown(path: string, signal: AbortSignal): Promise<void>;
}
