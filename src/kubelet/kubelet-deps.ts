import type { ConfigMap, Node, Pod, Secret, Service } from '../api/objects.ts';
import type { Clock } from '../host/clock.ts';
import type { Images, Runtime } from '../host/cri/cri.ts';
import type { Log } from '../host/log.ts';
import type { LimitFacts } from './container/container-resources.ts';
import type { BoardResources } from './container/downward-value.ts';
import type { GoBackoff } from './go-backoff.ts';
import type { ImagePuller } from './image/image-puller.ts';
import type { KubeletPaths } from './kubelet-paths.ts';
import type { PodCgroups } from './sandbox/pod-cgroups.ts';
import type { DnsFacts } from './sandbox/pod-dns.ts';
import type { EventSink } from './pod-events.ts';
import type { ProbeCounts } from './probes/probe-counts.ts';
import type { HttpHook, ProbeResults, ProbeRunner } from './probes/prober.ts';
import type { ResizeRefusal } from './resize-allocation.ts';
import type { PodVolumes } from './volumes/volume-plugin.ts';

/** What the syncing of pods works with; one object for the kubelet's life, made in run-kubelet.ts. */
export interface KubeletDeps {
  readonly runtime: Runtime;
  readonly images: Images;
  /** `containerd`: the scheme of container ids. */
  readonly runtimeName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventSink;
  readonly paths: KubeletPaths;
  readonly puller: ImagePuller;
  readonly crashBackoff: GoBackoff;
  readonly volumes: PodVolumes;
  readonly probes: ProbeRunner;
  readonly probeResults: ProbeResults;
  readonly probeCounts: ProbeCounts;
  readonly cgroups: PodCgroups;
  readonly httpHook: HttpHook;
  readonly limits: LimitFacts;
  readonly clusterDomain: string;
  readonly board: BoardResources;
  readonly hostIps: readonly string[];
  /** Read anew for each sandbox: a DHCP lease may change it. */
  dns(): Promise<DnsFacts>;
  /** RuntimeClass names are the runtime's handler names; the empty one is its default. */
  readonly runtimeHandler: string;
  getConfigMap(namespace: string, name: string, signal: AbortSignal): Promise<ConfigMap>;
  getSecret(namespace: string, name: string, signal: AbortSignal): Promise<Secret>;
  /** Services of a namespace as far as they are known. */
  services(namespace: string): readonly Service[];
  /** Settles when `services` knows the first list. */
  servicesSynced(signal: AbortSignal): Promise<void>;
  /** Why no pod but those on the host's network can start; undefined when they can. */
  networkError(): string | undefined;
  node(): Node | undefined;
  /** How many pods were evicted, by what the board was short of. */
  evictions(): ReadonlyMap<string, number>;
  /** What the runtime was asked for, as Prometheus' text. */
  runtimeMetrics(): Promise<string>;
  /** Why the pod must not run here though it is bound to this board; undefined when it may. */
  admit(pod: Pod, others: readonly Pod[]): { readonly reason: string; readonly message: string } | undefined;
  /** Why a running pod cannot have what its spec asks for now. */
  refuseResize(pod: Pod): ResizeRefusal | undefined;
}
