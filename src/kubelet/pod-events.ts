import type { Pod } from '../api/objects.ts';

/** Where the kubelet's Events go: count and series are the recorder's business. */
export interface EventSink {
  /**
   * @param container its name where the event is about one: becomes the involved object's fieldPath
   * (`spec.containers{web}`)
   */
  emit(pod: Pod, event: PodEvent): void;
}

/** One Event about a pod. */
export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  /** As upstream's pkg/kubelet/events. */
  readonly reason: string;
  readonly message: string;
  readonly container?: string;
}
