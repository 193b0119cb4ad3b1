import type { Node, Pod } from '../../api/objects.ts';
import type { Images, Runtime } from '../../host/cri/cri.ts';
import type { MetricFamily } from './metric-text.ts';

/** What the kubelet's HTTPS server (port 10250) sees of the core: read-only, all of it from memory or the runtime. */
export interface KubeletView {
  readonly runtime: Runtime;
  readonly images: Images;
  readonly nodeName: string;
  /** `/var/log/pods`. */
  readonly podLogsDir: string;
  /** Pods of API, static files and mirror, each with the status as last made here. `/pods`. */
  pods(): readonly Pod[];
  /** By the pod's full name, or by uid where a third path element gives it (static pods: their own uid). */
  findPod(namespace: string, name: string, uid?: string): Pod | undefined;
  /**
   * The container of that name to exec into, attach to or read logs of.
   *
   * @throws StatusError NotFound `pod "x" not found`, BadRequest with upstream's texts:
   * `container "c" in pod "p" is waiting to start: ContainerCreating`, `previous terminated container "c" in pod "p" not found`
   */
  findContainer(pod: Pod, container: string, options?: { readonly previous?: boolean }): Promise<ContainerLocation>;
  /** The ready sandbox of the pod, for port-forward. @throws StatusError NotFound */
  findSandbox(pod: Pod): Promise<string>;
  /** How many pods were evicted, by what the board was short of. */
  evictions(): ReadonlyMap<string, number>;
  /** Of `/metrics`, what the runtime was asked for. */
  runtimeMetrics(): Promise<string>;
  /** `/metrics/probes` */
  probeMetrics(): readonly MetricFamily[];
  /** The Node object as last read, for `/stats/summary` and `/spec`. */
  node(): Node | undefined;
}

/** Where a container of the runtime and its log are. */
export interface ContainerLocation {
  readonly containerId: string;
  /** Absolute path of the log file that is written now; rotated ones are beside it (`0.log.20261120-101112`, `.gz`). */
  readonly logPath: string;
  readonly isRunning: boolean;
}
