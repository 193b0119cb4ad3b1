import { isDeepStrictEqual } from 'node:util';
import { NAME_LETTERS } from '../api/name-letters.ts';
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../api/objects.ts';

/** Which ReplicaSet is which of a Deployment's, and the revisions they carry (kubernetes pkg/controller/deployment/util). */

/** Annotation of Deployments and their sets: which of its templates it is, counted up. */
export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
/** Of the history's text; the oldest revisions go first (upstream's maxRevHistoryLengthInChars). */
const HISTORY_LENGTH_MAX = 2000;
const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';
/** Label by which the pods of one set are told from those of another. */
export const TEMPLATE_HASH = 'pod-template-hash';

/** Annotations of a Deployment that its ReplicaSets do not inherit. */
const OWN_ANNOTATIONS = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);

/** The template without the label that only ReplicaSets add. */
function bareTemplate(template: PodTemplateSpec | undefined): unknown {
  const { [TEMPLATE_HASH]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

/** Whether two templates make the same pods: their hash labels do not count. */
export function isSameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return isDeepStrictEqual(bareTemplate(a), bareTemplate(b));
}

/** The oldest set of the deployment's present template; more than one can only come of a race long ago. */
export function findNewReplicaSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets
    .filter((set) => isSameTemplate(set.spec?.template, deployment.spec?.template))
    .toSorted((a, b) => (a.metadata?.creationTimestamp ?? '').localeCompare(b.metadata?.creationTimestamp ?? ''))[0];
}

/** 0 for a set that carries none. */
export function revisionOf(set: ReplicaSet): number {
  const revision = Number(set.metadata?.annotations?.[REVISION] ?? 0);
  return Number.isInteger(revision) ? revision : 0;
}

/** What a new or changed set's annotations must be, and its revision. */
export function annotationsFor(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): Record<string, string> {
  const inherited = Object.entries(deployment.metadata?.annotations ?? {}).filter(([key]) => !OWN_ANNOTATIONS.has(key));
  const annotations: Record<string, string> = { ...set?.metadata?.annotations, ...Object.fromEntries(inherited) };
  const next = Math.max(0, ...oldSets.map(revisionOf)) + 1;
  const present = set === undefined ? 0 : revisionOf(set);
  if (present < next) {
    if (present > 0) {
      const history = (annotations[REVISION_HISTORY] ?? '').split(',').filter((one) => one !== '');
      history.push(String(present));
      while (history.join(',').length > HISTORY_LENGTH_MAX) history.shift();
      annotations[REVISION_HISTORY] = history.join(',');
    }
    annotations[REVISION] = String(next);
  }
  return { ...annotations, ...replicaAnnotations(deployment) };
}

/** The size the deployment had when a set was last scaled: by it proportional scaling is found out. */
export function replicaAnnotations(deployment: Deployment): Record<string, string> {
  const desired = deployment.spec?.replicas ?? 1;
  return { [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(desired + maxSurgeOf(deployment)) };
}

/** The deployment's replicas when this set was last scaled; undefined when it never was. */
export function desiredReplicasOf(set: ReplicaSet): number | undefined {
  const text = set.metadata?.annotations?.[DESIRED_REPLICAS];
  return text === undefined ? undefined : Number(text);
}

/** The deployment's replicas with its surge when this set was last scaled; undefined when it never was. */
export function maxReplicasOf(set: ReplicaSet): number | undefined {
  const text = set.metadata?.annotations?.[MAX_REPLICAS];
  return text === undefined ? undefined : Number(text);
}

/** A number or percentage of the replicas. */
function resolve(value: string | number | undefined, replicas: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const match = /^(\d+)%$/.exec(value ?? '0%');
  return match === null ? 0 : round((Number(match[1]) * replicas) / 100);
}

/** Pods that a rollout may have beyond the replicas; percentages are rounded up. */
export function maxSurgeOf(deployment: Deployment): number {
  const { strategy, replicas = 1 } = deployment.spec ?? {};
  if (strategy?.type === 'Recreate') return 0;
  return resolve(strategy?.rollingUpdate?.maxSurge ?? '25%', replicas, Math.ceil);
}

/** At least one when no surge is allowed, or a rollout could never begin. */
export function maxUnavailableOf(deployment: Deployment): number {
  const { strategy, replicas = 1 } = deployment.spec ?? {};
  if (strategy?.type === 'Recreate' || replicas === 0) return 0;
  const unavailable = resolve(strategy?.rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor);
  return Math.min(replicas, unavailable === 0 && maxSurgeOf(deployment) === 0 ? 1 : unavailable);
}

/** Name suffix and label of a template's set: FNV-1a over the template and the collision count, in letters that spell nothing. */
export function templateHash(template: PodTemplateSpec | undefined, collisionCount: number): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${stableJson(bareTemplate(template))}/${collisionCount}`)) {
    hash ^= byte;
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return Array.from(String(hash), (digit) => NAME_LETTERS[digit.charCodeAt(0) % NAME_LETTERS.length]).join('');
}

/** JSON with its keys in order, so that equal values give equal text. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
