import type { Pod } from '../../api/objects.ts';
import { podUid } from '../pod-identity.ts';
import { qosClass } from '../../api/qos-class.ts';
import type { QosClass } from '../../api/qos-class.ts';

export type CgroupDriver = 'cgroupfs' | 'systemd';

/** The folders from the cgroup root to a pod's: guaranteed pods live right below `kubepods`. */
export function podCgroupPath(pod: Pod): readonly string[] {
  return [...qosCgroupPath(qosClass(pod)), `pod${podUid(pod)}`];
}

/** The folders from the cgroup root to a class of service. */
export function qosCgroupPath(qos: QosClass): readonly string[] {
  return qos === 'Guaranteed' ? ['kubepods'] : ['kubepods', qos.toLowerCase()];
}

/**
 * The sandbox's cgroup_parent: `/kubepods/burstable/pod<uid>`, or as systemd names slices
 * `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid with _>.slice` (upstream cm/cgroup_manager_linux.go).
 *
 * @param root what stands above `kubepods`; `/` on a board
 */
export function cgroupParent(path: readonly string[], driver: CgroupDriver, root = '/'): string {
  const above = root === '/' ? '' : root.replace(/\/$/, '');
  if (driver === 'cgroupfs') return `${above}/${path.join('/')}`;
  const escaped = path.map((part) => part.replaceAll('-', '_'));
  const slices = escaped.map((_, index) => `${escaped.slice(0, index + 1).join('-')}.slice`);
  return `${above}/${slices.join('/')}`;
}
