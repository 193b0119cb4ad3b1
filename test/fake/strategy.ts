import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { KINDS } from '../../src/api/kinds/rows.ts';
import { NAME_LETTERS } from '../../src/api/name-letters.ts';
import { badRequest, conflict } from '../../src/api/status.ts';
import { rfc3339 } from '../../src/api/time.ts';
import type { Resource } from '../../src/client/api-client.ts';
import type { Stored } from './object-store.ts';

/** What the API server does to objects on their way in (registry strategies), as far as controllers can tell. */

type Metadata = NonNullable<Stored['metadata']>;

/** Kinds whose status a plain create keeps (nodeStrategy: nodes allow all fields on create). */
const STATUS_ON_CREATE = new Set(['nodes']);
/** Kinds without spec semantics: no generation. */
const WITH_GENERATION = new Set(['pods', 'deployments', 'replicasets', 'daemonsets', 'statefulsets', 'endpointslices']);

function hasStatusSubresource(resource: Resource<Stored>): boolean {
  const row = KINDS.find(({ group, plural }) => group === resource.group && plural === resource.plural);
  return row?.subresources.some(({ name }) => name === 'status') ?? false;
}

/** `pods`, `deployments.apps`. */
export function qualified({ group, plural }: Pick<Resource<Stored>, 'group' | 'plural'>): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function prepareForCreate(resource: Resource<Stored>, object: Stored, now: Date): Stored {
  const given = object.metadata ?? {};
  if ((given.resourceVersion ?? '') !== '')
    throw badRequest('resourceVersion should not be set on objects to be created');
  const name = given.name ?? `${given.generateName}${suffix()}`;
  if (given.name === undefined && given.generateName === undefined)
    throw badRequest('name or generateName is required');
  const metadata: Metadata = { ...given, name, uid: randomUUID(), creationTimestamp: rfc3339(now.getTime()) };
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  if (WITH_GENERATION.has(resource.plural)) metadata.generation = 1;
  const result: Stored = { ...object, apiVersion: versionOf(resource), kind: resource.kind, metadata };
  if (hasStatusSubresource(resource) && !STATUS_ON_CREATE.has(resource.plural)) delete result.status;
  if (resource.plural === 'pods') result.status = { phase: 'Pending', qosClass: 'BestEffort' };
  if (resource.plural === 'namespaces') {
    result.spec = { finalizers: ['kubernetes'], ...result.spec };
    result.status = { phase: 'Active' };
  }
  return result;
}

function versionOf({ group, version }: Resource<Stored>): string {
  return group === '' ? version : `${group}/${version}`;
}

function suffix(): string {
  const letters = Array.from({ length: 5 }, () => NAME_LETTERS[Math.floor(Math.random() * NAME_LETTERS.length)]);
  return letters.join('');
}

/** @throws StatusError Conflict on a stale resourceVersion or another uid */
export function prepareForUpdate(
  resource: Resource<Stored>,
  before: Stored,
  wanted: Stored,
  subresource: string | undefined,
): Stored {
  const old = before.metadata ?? {};
  const given = wanted.metadata ?? {};
  const name = old.name ?? '';
  if ((given.resourceVersion ?? '') !== '' && given.resourceVersion !== old.resourceVersion)
    throw conflict(
      qualified(resource),
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  if ((given.uid ?? '') !== '' && given.uid !== old.uid)
    throw conflict(qualified(resource), name, `Precondition failed: UID in precondition: ${given.uid}`);
  const metadata: Metadata = { ...given, name, uid: old.uid, creationTimestamp: old.creationTimestamp };
  for (const field of ['namespace', 'generateName', 'generation', 'resourceVersion'] as const)
    Object.assign(metadata, { [field]: old[field] });
  metadata.deletionTimestamp = old.deletionTimestamp;
  metadata.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds;
  const head = { apiVersion: before.apiVersion, kind: before.kind };
  if (subresource === 'status' || subresource === 'approval')
    return pruned({ ...before, ...head, metadata, status: wanted.status });
  if (subresource === 'finalize') return pruned({ ...before, ...head, metadata: { ...old }, spec: wanted.spec });
  const next: Stored = { ...wanted, ...head, metadata };
  if (hasStatusSubresource(resource)) next.status = before.status;
  if (WITH_GENERATION.has(resource.plural) && !isDeepStrictEqual(pruned({ ...before }).spec, pruned({ ...next }).spec))
    metadata.generation = (old.generation ?? 0) + 1;
  return pruned(next);
}

/** Without members that are undefined, as after a trip over the wire. */
function pruned(object: Stored): Stored {
  return JSON.parse(JSON.stringify(object)) as Stored;
}

/** What a delete does: removes at once, or marks and waits for the kubelet or finalizers. */
export function planDelete(
  resource: Resource<Stored>,
  before: Stored,
  options: { readonly gracePeriodSeconds?: number | undefined; readonly propagationPolicy?: string | undefined },
  now: Date,
): 'remove' | 'keep' | Stored {
  const metadata: Metadata = { ...before.metadata };
  const finalizers = new Set(metadata.finalizers);
  if (options.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion');
  if (options.propagationPolicy === 'Orphan') finalizers.add('orphan');
  const graceSeconds = graceOf(resource, before, options.gracePeriodSeconds);
  const waitsFor = finalizers.size > 0 || (resource.plural === 'namespaces' && hasNamespaceFinalizers(before));
  if (graceSeconds === 0 && !waitsFor) return 'remove';
  if (metadata.deletionTimestamp !== undefined) {
    if (graceSeconds >= (metadata.deletionGracePeriodSeconds ?? 0)) return 'keep';
  }
  metadata.deletionTimestamp = rfc3339(now.getTime() + graceSeconds * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
  if (finalizers.size > 0) metadata.finalizers = [...finalizers];
  const next: Stored = { ...before, metadata };
  if (resource.plural === 'namespaces') next.status = { ...before.status, phase: 'Terminating' };
  return next;
}

/** podStrategy.CheckGracefulDelete: unbound and finished pods go at once. */
function graceOf(resource: Resource<Stored>, object: Stored, wanted: number | undefined): number {
  if (resource.plural !== 'pods') return 0;
  if (!isBound(object) || ['Succeeded', 'Failed'].includes(String(object.status?.['phase']))) return 0;
  const own = object.spec?.['terminationGracePeriodSeconds'];
  return Math.max(0, wanted ?? (typeof own === 'number' ? own : 30));
}

function isBound(pod: Stored): boolean {
  return (pod.spec?.['nodeName'] ?? '') !== '';
}

function hasNamespaceFinalizers(namespace: Stored): boolean {
  const finalizers = namespace.spec?.['finalizers'];
  return Array.isArray(finalizers) && finalizers.length > 0;
}

/** Whether an update took the last thing that a marked object waited for. */
export function isDone(resource: Resource<Stored>, object: Stored): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata ?? {};
  if (deletionTimestamp === undefined || finalizers.length > 0 || deletionGracePeriodSeconds > 0) return false;
  return resource.plural !== 'namespaces' || !hasNamespaceFinalizers(object);
}

/** The pod with its node (registry/core/pod/storage: assignPod). @throws StatusError Conflict */
export function bound(pod: Stored, node: string): Stored {
  const name = pod.metadata?.name ?? '';
  if (pod.metadata?.deletionTimestamp !== undefined)
    throw conflict('pods/binding', name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (isBound(pod))
    throw conflict('pods/binding', name, `pod ${name} is already assigned to node "${String(pod.spec?.['nodeName'])}"`);
  const conditions = (pod.status?.['conditions'] ?? []) as { type: string }[];
  const others = conditions.filter(({ type }) => type !== 'PodScheduled');
  return {
    ...pod,
    spec: { ...pod.spec, nodeName: node },
    status: { ...pod.status, conditions: [...others, { type: 'PodScheduled', status: 'True' }] },
  };
}
