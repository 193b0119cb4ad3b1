import type { FieldError } from '../field-error.ts';
import { immutable } from './object-meta.ts';
import { invalid, required } from '../field-error.ts';
import type { CoreEvent } from '../objects.ts';
import { qualifiedName } from './names.ts';

const NOTE_CHARACTERS_MAX = 1024;
const NAME_CHARACTERS_MAX = 128;

/**
 * An Event in its stored, core form (pkg/apis/core/validation/events.go). The newer group's rules apply only to events
 * that came through it, which is when they carry an eventTime.
 */
export function validateEvent(event: CoreEvent): FieldError[] {
  const errors: FieldError[] = [];
  const about = event.involvedObject?.namespace ?? '';
  const own = event.metadata?.namespace ?? '';
  if (about === '' ? own !== 'default' && own !== 'kube-system' && own !== '' : about !== own)
    errors.push(invalid('involvedObject.namespace', about, 'does not match event.namespace'));
  if (!event.eventTime) return errors;
  if (!event.reportingComponent) errors.push(required('reportingController'));
  else
    errors.push(
      ...qualifiedName(event.reportingComponent).map((why) =>
        invalid('reportingController', event.reportingComponent, why),
      ),
    );
  errors.push(...validateText(event.reportingInstance, 'reportingInstance'));
  errors.push(...validateText(event.action, 'action'));
  errors.push(...validateText(event.reason, 'reason'));
  if ((event.message ?? '').length > NOTE_CHARACTERS_MAX)
    errors.push(invalid('message', '', `can have at most ${NOTE_CHARACTERS_MAX} characters`));
  return errors;
}

/** What an event that is created by the newer group must and may not have besides (ValidateEventCreate). */
export function validateNewEvent({
  eventTime,
  type = '',
  firstTimestamp,
  lastTimestamp,
  count,
  source,
}: CoreEvent): FieldError[] {
  const unset = 'needs to be unset';
  return [
    ...(eventTime ? [] : [required('eventTime')]),
    ...(type === 'Normal' || type === 'Warning' ? [] : [invalid('type', '', `has invalid value: ${type}`)]),
    ...(firstTimestamp ? [invalid('firstTimestamp', '', unset)] : []),
    ...(lastTimestamp ? [invalid('lastTimestamp', '', unset)] : []),
    ...(count ? [invalid('count', '', unset)] : []),
    ...(source?.component || source?.host ? [invalid('source', '', unset)] : []),
  ];
}

function validateText(text: string | undefined, at: string): FieldError[] {
  if (!text) return [required(at)];
  if (text.length > NAME_CHARACTERS_MAX) return [invalid(at, '', `can have at most ${NAME_CHARACTERS_MAX} characters`)];
  return [];
}

/** An event of the newer group may only be counted on in its series. */
export function validateEventUpdate(now: CoreEvent, old: CoreEvent): FieldError[] {
  if (!old.eventTime) return [];
  return (['involvedObject', 'reason', 'message', 'eventTime', 'related', 'type'] as const).flatMap((field) =>
    immutable(field, now[field], old[field]),
  );
}
