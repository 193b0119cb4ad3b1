import type { Service } from '../api/objects.ts';
import type { ApiClient } from '../client/api-client.ts';
import type { Informer } from '../client/informer.ts';
import type { Clock } from '../host/clock.ts';
import type { Images, Runtime } from '../host/cri/cri.ts';
import type { Log } from '../host/log.ts';
import type { KubeletServerOptions } from './kubelet-options.ts';
import type { HttpHook, ProbeHost, ProbeRunner } from './probes/prober.ts';
import type { KubeletView } from './server/kubelet-server.ts';
import type { PodVolumes, VolumeHost } from './volumes/volume-plugin.ts';

/** What stands beside the kubelet's core, each behind an interface: a test puts its own in. */
export interface KubeletParts {
  readonly runtime: Runtime;
  readonly images: Images;
  readonly clock: Clock;
  readonly log: Log;
  /** All Services, where another part of the process keeps them already; else the kubelet keeps its own. */
  readonly services?: Informer<Service>;
  createVolumes(host: VolumeHost): PodVolumes;
  createProbes(host: ProbeHost): ProbeRunner;
  readonly httpHook: HttpHook;
  /** Serves port 10250 until aborted. */
  runServer(view: KubeletView, options: KubeletServerOptions, client: ApiClient, signal: AbortSignal): Promise<void>;
}
