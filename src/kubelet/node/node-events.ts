import type { NodeStatus } from '../../api/objects.ts';

/** One Event about the Node. */
export interface NodeEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** The reasons of each condition becoming true and false. */
const REASONS: Readonly<Record<string, readonly [isTrue: string, isFalse: string]>> = {
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
  Ready: ['NodeReady', 'NodeNotReady'],
};

/** What is worth telling of the change from one status to the next (upstream nodestatus/setters.go). */
export function nodeEvents(name: string, before: NodeStatus | undefined, now: NodeStatus): readonly NodeEvent[] {
  const events: NodeEvent[] = [];
  const [oldBoot, newBoot] = [before?.nodeInfo?.bootID ?? '', now.nodeInfo?.bootID ?? ''];
  if (oldBoot !== '' && oldBoot !== newBoot) {
    const message = `Node ${name} has been rebooted, boot id: ${newBoot}`;
    events.push({ type: 'Warning', reason: 'Rebooted', message });
  }
  for (const { type, status } of now.conditions ?? []) {
    const reasons = REASONS[type];
    const former = before?.conditions?.find((one) => one.type === type)?.status;
    if (reasons === undefined || former === status) continue;
    const reason = reasons[status === 'True' ? 0 : 1];
    events.push({ type: 'Normal', reason, message: `Node ${name} status is now: ${reason}` });
  }
  return events;
}
