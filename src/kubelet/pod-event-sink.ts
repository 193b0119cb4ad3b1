import { referenceTo } from '../client/event-recorder.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import type { EventSink } from './pod-events.ts';
import { containerFieldPath } from './pod-identity.ts';

/** Events about pods and their containers, by way of the recorder. */
export function podEventSink(recorder: EventRecorder): EventSink {
  return {
    emit(pod, { type, reason, message, container }) {
      const fieldPath = container === undefined ? undefined : containerFieldPath(pod, container);
      recorder.record(referenceTo(pod, 'v1', 'Pod', fieldPath), type, reason, message);
    },
  };
}
