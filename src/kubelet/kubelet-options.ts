import type { Taint } from '../api/objects.ts';
import type { ApiClient } from '../client/api-client.ts';
import { DEFAULT_THRESHOLDS } from './eviction/thresholds.ts';
import type { Thresholds } from './eviction/thresholds.ts';
import type { Reserved } from './node/node-object.ts';
import type { CgroupDriver } from './sandbox/pod-cgroup-name.ts';

/** Settings of the kubelet; where one is absent, its default below. */
export interface KubeletOptions {
  readonly nodeName: string;
  /** As `system:node:<nodeName>`. */
  readonly client: ApiClient;
  /** The board's addresses, the primary one first. */
  readonly nodeIps: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Set at registration only: later ones are the cluster's. */
  readonly taints?: readonly Taint[];
  /** Of the cluster's DNS Service: `10.96.0.10`. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly server: KubeletServerOptions;
  /** `unix:///run/containerd/containerd.sock` */
  readonly runtimeEndpoint?: string;
  readonly runtimeHandler?: string;
  readonly rootDir?: string;
  readonly podLogsDir?: string;
  readonly containerLogsDir?: string;
  readonly staticPodDir?: string;
  /** The board's own; one that names but a stub on loopback leads to that of systemd-resolved. */
  readonly resolvConf?: string;
  /** Must be the runtime's. cgroupfs: as containerd's default configuration has it. */
  readonly cgroupDriver?: CgroupDriver;
  /** Above `kubepods`. */
  readonly cgroupRoot?: string;
  readonly podsMax?: number;
  readonly reserved?: Partial<Reserved>;
  /** The Lease is renewed four times within this: a dead board is noticed sooner than with upstream's 40. */
  readonly leaseDurationSeconds?: number;
  readonly statusCheckMs?: number;
  readonly statusReportMs?: number;
  readonly containerLogSizeMax?: number;
  readonly containerLogFilesMax?: number;
  /** Kernel settings that pods may make beyond those that harm nobody: `net.core.somaxconn`, `net.ipv4.conf.*`. */
  readonly allowedUnsafeSysctls?: readonly string[];
  /**
   * What must be left of the board; pods are evicted when less is. Instead of all of upstream's defaults. Without
   * `imagefs.available`, unused images stay, too.
   */
  readonly evictionHard?: Thresholds;
}

/** Where the kubelet's HTTPS server listens, with what, and whom it asks about its callers. */
export interface KubeletServerOptions {
  /** `0.0.0.0` */
  readonly address: string;
  /** 10250 */
  readonly port: number;
  /** Read again when they change: serving certificates are renewed while the kubelet runs. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string;
}

const DEFAULTS = {
  labels: {},
  taints: [],
  runtimeEndpoint: 'unix:///run/containerd/containerd.sock',
  runtimeHandler: '',
  rootDir: '/var/lib/kubelet',
  podLogsDir: '/var/log/pods',
  containerLogsDir: '/var/log/containers',
  staticPodDir: '/etc/kubernetes/manifests',
  resolvConf: '/etc/resolv.conf',
  cgroupDriver: 'cgroupfs',
  cgroupRoot: '/',
  podsMax: 110,
  leaseDurationSeconds: 16,
  statusCheckMs: 10_000,
  statusReportMs: 300_000,
  containerLogSizeMax: 10 << 20,
  containerLogFilesMax: 5,
  evictionHard: DEFAULT_THRESHOLDS,
  allowedUnsafeSysctls: [],
} as const;

/** All settings, defaults filled in. */
export type CompleteKubeletOptions = Required<Omit<KubeletOptions, 'reserved'>> & { readonly reserved: Reserved };

/** The options with their defaults. */
export function completeOptions(options: KubeletOptions): CompleteKubeletOptions {
  const reserved = { cpuMilli: 0, memoryBytes: 0, storageBytes: 0, ...options.reserved };
  return { ...DEFAULTS, ...options, reserved };
}
