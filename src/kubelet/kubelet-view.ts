import type { Pod } from '../api/objects.ts';
import { StatusError } from '../api/status.ts';
import type { Runtime } from '../host/cri/cri.ts';
import { CONTAINER_NAME, POD_UID } from './runtime/cri-labels.ts';
import { podName, podUid } from './pod-identity.ts';
import type { ContainerLocation } from './server/kubelet-server.ts';

/** Looking a container up for the server takes no longer. */
const LOOKUP_MS = 10_000;

/** The container of that name that runs or ran last, or the one before it. @throws StatusError with upstream's texts */
export async function findContainer(
  runtime: Runtime,
  pod: Pod,
  name: string,
  isPrevious: boolean,
): Promise<ContainerLocation> {
  const signal = AbortSignal.timeout(LOOKUP_MS);
  const statuses = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.ephemeralContainerStatuses ?? []),
  ];
  const status = statuses.find((one) => one.name === name);
  const labels = { [POD_UID]: podUid(pod), [CONTAINER_NAME]: name };
  const found = (await runtime.listContainers({ labels }, signal)).toSorted((a, b) => b.attempt - a.attempt);
  const [latest, former] = found;
  // One that waits to be started again shows the log of its last run.
  const isHeldBack = latest?.state === 'exited' || latest?.state === 'running';
  const wanted = isPrevious ? (status?.state?.waiting !== undefined && isHeldBack ? latest : former) : latest;
  if (wanted !== undefined) {
    const { logPath, state } = await runtime.containerStatus(wanted.id, signal);
    return { containerId: wanted.id, logPath, isRunning: state === 'running' };
  }
  const where = `container "${name}" in pod "${podName(pod)}"`;
  if (isPrevious) throw new StatusError('BadRequest', `previous terminated ${where} not found`);
  const waiting = status?.state?.waiting;
  if (waiting === undefined && status === undefined)
    throw new StatusError('BadRequest', `container ${name} is not valid for pod ${podName(pod)}`);
  const reason = waiting?.reason ?? '';
  if (reason === 'ErrImagePull' || reason === 'ImagePullBackOff')
    throw new StatusError('BadRequest', `${where} is waiting to start: trying and failing to pull image`);
  if (reason === '') throw new StatusError('BadRequest', `${where} is not available`);
  throw new StatusError('BadRequest', `${where} is waiting to start: ${reason}`);
}

/** The pod's ready sandbox. @throws StatusError NotFound */
export async function findSandbox(runtime: Runtime, pod: Pod): Promise<string> {
  const listed = await runtime.listSandboxes(AbortSignal.timeout(LOOKUP_MS), podUid(pod));
  const ready = listed.find(({ state }) => state === 'ready');
  if (ready === undefined) throw new StatusError('NotFound', `pod "${podName(pod)}" has no running sandbox`);
  return ready.id;
}
