import { join } from 'node:path';
import type { Pod } from '../api/objects.ts';
import { podName, podNamespace, podUid } from './pod-identity.ts';

/** Where the kubelet keeps what: as upstream, so that logs and volumes are found by the tools that know it. */
export interface KubeletPaths {
  /** `/var/lib/kubelet` */
  readonly rootDir: string;
  /** `/var/log/pods` */
  readonly podLogsDir: string;
  /** `/var/log/containers`: links for log collectors. */
  readonly containerLogsDir: string;
}

/** `<root>/pods/<uid>` */
export function podDir(paths: KubeletPaths, uid: string): string {
  return join(paths.rootDir, 'pods', uid);
}

/** `<podLogsDir>/<namespace>_<name>_<uid>` */
export function podLogDir(paths: Pick<KubeletPaths, 'podLogsDir'>, pod: Pod): string {
  return join(paths.podLogsDir, `${podNamespace(pod)}_${podName(pod)}_${podUid(pod)}`);
}

/** A container's log below its pod's: `web/0.log`. */
export function containerLogPath(container: string, restartCount: number): string {
  return join(container, `${restartCount}.log`);
}

/** The folder of a container's small files: `<pod>/containers/<name>`. */
export function containerDir(paths: KubeletPaths, uid: string, container: string): string {
  return join(podDir(paths, uid), 'containers', container);
}

/** The pod's /etc/hosts: `<pod>/etc-hosts`. */
export function hostsPath(paths: KubeletPaths, uid: string): string {
  return join(podDir(paths, uid), 'etc-hosts');
}
