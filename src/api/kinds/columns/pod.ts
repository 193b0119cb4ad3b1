import { isConditionTrue } from '../../condition.ts';
import type { ContainerStatus, Pod } from '../../objects.ts';
import { isPodReady, isPodTerminal } from '../../pod-facts.ts';
import type { Column } from '../kind.ts';
import { AGE, column, NAME, wide } from './column.ts';
import { ageOf } from './human-duration.ts';

interface PodSummary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  /** Empty when nothing has restarted. */
  readonly lastRestart: string;
}

/** What `kubectl get pods` says of a pod (pkg/printers/internalversion printPod). */
export function podSummary(pod: Pod): PodSummary {
  const { spec, status, metadata } = pod;
  const init = initSummary(pod);
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const isGated = status?.conditions?.some(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
  );
  const phase = status?.reason || status?.phase || '';
  let summary: PodSummary = {
    ready: init.ready,
    total: (spec?.containers ?? []).length + sidecars.length,
    reason: init.reason ?? (isGated ? 'SchedulingGated' : phase),
    restarts: init.restarts,
    lastRestart: init.lastRestart,
  };
  if (init.reason === undefined || isConditionTrue(pod, 'Initialized')) summary = withContainers(pod, summary, init);
  if (metadata?.deletionTimestamp === undefined) return summary;
  if (status?.reason === 'NodeLost') return { ...summary, reason: 'Unknown' };
  return isPodTerminal(pod) ? summary : { ...summary, reason: 'Terminating' };
}

interface InitSummary {
  readonly ready: number;
  readonly restarts: number;
  readonly lastRestart: string;
  readonly sidecarRestarts: number;
  readonly sidecarLastRestart: string;
  /** Set while init containers keep the pod from starting. */
  readonly reason: string | undefined;
}

function initSummary({ spec, status }: Pod): InitSummary {
  const sidecars = new Set(
    (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  let ready = 0;
  let restarts = 0;
  let lastRestart = '';
  let sidecarRestarts = 0;
  let sidecarLastRestart = '';
  let reason: string | undefined;
  for (const [i, container] of (status?.initContainerStatuses ?? []).entries()) {
    restarts += container.restartCount;
    lastRestart = later(lastRestart, container);
    if (sidecars.has(container.name)) {
      sidecarRestarts += container.restartCount;
      sidecarLastRestart = later(sidecarLastRestart, container);
    }
    if (container.state?.terminated?.exitCode === 0) continue;
    if (sidecars.has(container.name) && container.started === true) {
      if (container.ready) ready += 1;
      continue;
    }
    reason = initReason(container, i, spec?.initContainers?.length ?? 0);
    break;
  }
  return { ready, restarts, lastRestart, sidecarRestarts, sidecarLastRestart, reason };
}

function initReason({ state }: ContainerStatus, index: number, count: number): string {
  if (state?.terminated) return `Init:${terminatedReason(state.terminated)}`;
  const waiting = state?.waiting?.reason ?? '';
  return waiting !== '' && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${count}`;
}

function terminatedReason({
  reason,
  signal,
  exitCode,
}: {
  reason?: string;
  signal?: number;
  exitCode: number;
}): string {
  if (reason) return reason;
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

function withContainers(pod: Pod, summary: PodSummary, init: InitSummary): PodSummary {
  let { ready, reason } = summary;
  let restarts = init.sidecarRestarts;
  let lastRestart = init.sidecarLastRestart;
  let hasRunning = false;
  for (const container of (pod.status?.containerStatuses ?? []).toReversed()) {
    restarts += container.restartCount;
    lastRestart = later(lastRestart, container);
    const { waiting, terminated, running } = container.state ?? {};
    if (waiting?.reason) reason = waiting.reason;
    else if (terminated) reason = terminatedReason(terminated);
    else if (container.ready && running) {
      hasRunning = true;
      ready += 1;
    }
  }
  if (reason === 'Completed' && hasRunning) reason = isPodReady(pod) ? 'Running' : 'NotReady';
  return { ...summary, ready, reason, restarts, lastRestart };
}

function later(date: string, { lastState }: ContainerStatus): string {
  const finished = lastState?.terminated?.finishedAt ?? '';
  return finished > date ? finished : date;
}

function restartsCell(pod: Pod, nowMs: number): string {
  const { restarts, lastRestart } = podSummary(pod);
  return restarts !== 0 && lastRestart !== '' ? `${restarts} (${ageOf(lastRestart, nowMs)} ago)` : String(restarts);
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  return `${gates.filter(({ conditionType }) => isConditionTrue(pod, conditionType)).length}/${gates.length}`;
}

export const POD_COLUMNS: readonly Column[] = [
  NAME,
  column<Pod>('Ready', 'Containers that are ready, of all that should be.', (pod) => {
    const { ready, total } = podSummary(pod);
    return `${ready}/${total}`;
  }),
  column<Pod>('Status', 'The phase, or what keeps the pod from it.', (pod) => podSummary(pod).reason),
  column<Pod>('Restarts', 'How often containers were restarted, and when last.', restartsCell),
  AGE,
  wide<Pod>('IP', 'Address of the pod.', ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || '<none>'),
  wide<Pod>('Node', 'The node that the pod runs on.', ({ spec }) => spec?.nodeName || '<none>'),
  wide<Pod>(
    'Nominated Node',
    'The node where room is being made for it.',
    ({ status }) => status?.nominatedNodeName || '<none>',
  ),
  wide<Pod>('Readiness Gates', 'Conditions beyond its containers that are met.', readinessGates),
];
