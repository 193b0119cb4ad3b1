import type { Container, Pod } from '../../api/objects.ts';
import { HASH_LABEL, containerHash } from '../container/container-hash.ts';
import { podName, podNamespace, podUid } from '../pod-identity.ts';

/** Labels and annotations by which the kubelet knows its sandboxes and containers again (kuberuntime/labels.go). */

const POD_NAME = 'io.kubernetes.pod.name';
const POD_NAMESPACE = 'io.kubernetes.pod.namespace';
export const POD_UID = 'io.kubernetes.pod.uid';
export const CONTAINER_NAME = 'io.kubernetes.container.name';
const RESTART_COUNT = 'io.kubernetes.container.restartCount';
const TERMINATION_PATH = 'io.kubernetes.container.terminationMessagePath';
const TERMINATION_POLICY = 'io.kubernetes.container.terminationMessagePolicy';
const DELETION_GRACE = 'io.kubernetes.pod.deletionGracePeriod';
const TERMINATION_GRACE = 'io.kubernetes.pod.terminationGracePeriod';
const PRE_STOP = 'io.kubernetes.container.preStopHandler';
const PORTS = 'io.kubernetes.container.ports';

function podLabels(pod: Pod): Record<string, string> {
  return { [POD_NAME]: podName(pod), [POD_NAMESPACE]: podNamespace(pod), [POD_UID]: podUid(pod) };
}

/** The pod's labels, and those by which the sandbox is found again after a restart. */
export function sandboxLabels(pod: Pod): Record<string, string> {
  return { ...pod.metadata?.labels, ...podLabels(pod) };
}

/** By which a container is found again after a restart. */
export function containerLabels(pod: Pod, container: Container): Record<string, string> {
  return { ...podLabels(pod), [CONTAINER_NAME]: container.name };
}

/** What must be known of a container when its pod's spec is gone. */
export function containerAnnotations(pod: Pod, container: Container, restartCount: number): Record<string, string> {
  const { deletionGracePeriodSeconds } = pod.metadata ?? {};
  const grace = pod.spec?.terminationGracePeriodSeconds;
  const preStop = container.lifecycle?.preStop;
  return {
    [HASH_LABEL]: containerHash(container),
    [RESTART_COUNT]: String(restartCount),
    [TERMINATION_PATH]: container.terminationMessagePath ?? '/dev/termination-log',
    [TERMINATION_POLICY]: container.terminationMessagePolicy ?? 'File',
    ...(deletionGracePeriodSeconds === undefined ? {} : { [DELETION_GRACE]: String(deletionGracePeriodSeconds) }),
    ...(grace === undefined ? {} : { [TERMINATION_GRACE]: String(grace) }),
    ...(preStop === undefined ? {} : { [PRE_STOP]: JSON.stringify(preStop) }),
    ...((container.ports ?? []).length === 0 ? {} : { [PORTS]: JSON.stringify(container.ports) }),
  };
}

type Annotations = Readonly<Record<string, string>>;

/** Where a container leaves its last words, and whether its log serves if it left none. */
export function terminationMessage(annotations: Annotations): { path: string; fallsBackToLog: boolean } {
  return {
    path: annotations[TERMINATION_PATH] ?? '',
    fallsBackToLog: annotations[TERMINATION_POLICY] === 'FallbackToLogsOnError',
  };
}

/** The pod and container that a runtime's container was made for, as far as its annotations tell. */
export function restoreSpecs(labels: Annotations, annotations: Annotations): { pod: Pod; container: Container } {
  const preStop = annotations[PRE_STOP];
  const container: Container = {
    name: labels[CONTAINER_NAME] ?? '',
    ...(preStop === undefined ? {} : { lifecycle: { preStop: JSON.parse(preStop) as object } }),
  };
  const grace = annotations[TERMINATION_GRACE];
  const deletionGrace = annotations[DELETION_GRACE];
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: labels[POD_NAME] ?? '',
      namespace: labels[POD_NAMESPACE] ?? '',
      uid: labels[POD_UID] ?? '',
      ...(deletionGrace === undefined ? {} : { deletionGracePeriodSeconds: Number(deletionGrace) }),
    },
    spec: { containers: [container], ...(grace === undefined ? {} : { terminationGracePeriodSeconds: Number(grace) }) },
  };
  return { pod, container };
}
