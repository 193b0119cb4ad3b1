import type { UnknownObject } from '../../api/objects.ts';

/** Fields of events.k8s.io/v1 Event and what core/v1, the stored form, calls them; the others have one name in both. */
const RENAMED: readonly (readonly [events: string, core: string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
  ['reportingController', 'reportingComponent'],
];

/** A stored core/v1 Event as events.k8s.io shows it. */
export function fromStoredEvent(stored: UnknownObject, apiVersion: string): UnknownObject {
  return { ...renamed(stored, new Map(RENAMED.map(([events, core]) => [core, events]))), kind: 'Event', apiVersion };
}

/** An events.k8s.io Event in the form it is stored in. */
export function toStoredEvent(object: UnknownObject): UnknownObject {
  return { involvedObject: {}, ...renamed(object, new Map(RENAMED)), kind: 'Event', apiVersion: 'v1' };
}

function renamed(object: UnknownObject, names: ReadonlyMap<string, string>): UnknownObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]));
}
