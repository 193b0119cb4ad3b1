import type { CoreEvent as Event } from '../../objects.ts';
import type { Column } from '../kind.ts';
import { column, NAME, wide } from './column.ts';
import { ageOf } from './human-duration.ts';

/** Both groups' events: a field is read under either of its names. */
interface AnyEvent extends Event {
  regarding?: Event['involvedObject'];
  note?: string;
  deprecatedSource?: Event['source'];
  deprecatedFirstTimestamp?: string;
  deprecatedLastTimestamp?: string;
  deprecatedCount?: number;
  reportingController?: string;
}

function firstSeen(event: AnyEvent, nowMs: number): string {
  const { firstTimestamp, deprecatedFirstTimestamp, eventTime } = event;
  return ageOf(firstTimestamp ?? deprecatedFirstTimestamp ?? eventTime, nowMs);
}

function lastSeen(event: AnyEvent, nowMs: number): string {
  const { series, lastTimestamp, deprecatedLastTimestamp } = event;
  const seen = series?.lastObservedTime ?? lastTimestamp ?? deprecatedLastTimestamp;
  return seen === undefined ? firstSeen(event, nowMs) : ageOf(seen, nowMs);
}

function involved({ involvedObject, regarding }: AnyEvent): string {
  const { kind = '', name = '' } = regarding ?? involvedObject ?? {};
  return `${kind.toLowerCase()}/${name}`;
}

function source({
  source: core,
  deprecatedSource,
  reportingComponent,
  reportingController,
  reportingInstance,
}: AnyEvent): string {
  const { component = '', host = '' } = core ?? deprecatedSource ?? {};
  const parts = [component || reportingComponent || reportingController || '', host || reportingInstance || ''];
  return parts.filter((part) => part !== '').join(', ');
}

export const EVENT_COLUMNS: readonly Column[] = [
  column<AnyEvent>('Last Seen', 'Time since it was last seen.', lastSeen),
  column<AnyEvent>('Type', 'Normal or Warning.', ({ type }) => type ?? ''),
  column<AnyEvent>('Reason', 'One word for what happened.', ({ reason }) => reason ?? ''),
  column<AnyEvent>('Object', 'What it is about.', involved),
  wide<AnyEvent>(
    'Subobject',
    'The part of the object that it is about.',
    ({ involvedObject, regarding }) => (regarding ?? involvedObject)?.fieldPath ?? '',
  ),
  wide<AnyEvent>('Source', 'Who reports it.', source),
  column<AnyEvent>('Message', 'What happened.', ({ message, note }) => (message ?? note ?? '').trim()),
  wide<AnyEvent>('First Seen', 'Time since it was first seen.', firstSeen),
  wide<AnyEvent>(
    'Count',
    'How often it was seen.',
    ({ count, deprecatedCount, series }) => series?.count ?? (count || deprecatedCount || 1),
  ),
  { ...NAME, priority: 1 },
];
