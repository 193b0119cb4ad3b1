import { isDeleting } from '../api/object-facts.ts';
import type { Namespace, NamespaceCondition } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { Resource } from '../client/api-client.ts';
import { namespaces, pods } from '../client/resources.ts';
import type { KubeObject } from '../api/objects.ts';
import { rfc3339 } from '../api/time.ts';
import { type ControllerContext, type CreateController, queuedController } from './controller.ts';
import { discoverResources } from './discover-resources.ts';

const FINALIZER = 'kubernetes';
/** How long what is left is waited for before it is looked at again: first, and doubling up to this. */
const AGAIN_MIN_MS = 500;
const AGAIN_MAX_MS = 8_000;
/** Objects of one kind looked at in a go. */
const PAGE = 500;

/** Empties namespaces that are being deleted, whatever kinds the API server serves, then lets them go. */
export const createNamespaceController: CreateController = (context) => {
  const informer = context.informers.of(namespaces);
  const podInformer = context.informers.of(pods);
  /** How long each namespace waits next. */
  const waits = new Map<string, number>();
  return queuedController({
    name: 'namespace',
    context,
    workers: 4,
    needs: [informer],
    connect: (queue) => {
      informer.onChange((before, now) => {
        const name = (now ?? before)?.metadata?.name ?? '';
        if (now === undefined) waits.delete(name);
        // Our own conditions are no news: what is left is looked at again in its time.
        else if (before === undefined || isDeleting(before) !== isDeleting(now)) queue.add(name);
      });
      podInformer.onChange((before, now) => {
        const name = before?.metadata?.namespace ?? '';
        // Everything else waits for the last pod.
        if (now === undefined && waits.has(name) && podInformer.lister.list(name).length === 0) queue.add(name);
      });
    },
    reconcile: async (name, signal, queue) => {
      const namespace = informer.lister.get('', name);
      if (namespace === undefined || !isDeleting(namespace)) return;
      if (!(namespace.spec?.finalizers ?? []).includes(FINALIZER)) return;
      const left = await emptyNamespace(context, name, signal);
      await writeConditions(context, namespace, left, signal);
      if (left.length > 0) {
        const waitMs = waits.get(name) ?? AGAIN_MIN_MS;
        waits.set(name, Math.min(AGAIN_MAX_MS, waitMs * 2));
        return queue.addAfter(name, waitMs);
      }
      await finalize(context, name, signal);
    },
  });
};

interface Left {
  readonly resource: Resource<KubeObject>;
  readonly count: number;
  readonly finalizers: readonly string[];
}

/** Deletes all that is in the namespace, pods first so that nothing runs on what is going; gives what is still there. */
async function emptyNamespace(
  context: ControllerContext,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Left[]> {
  const all = (await discoverResources(context.client, signal)).filter(
    ({ resource, verbs }) => resource.namespaced && verbs.includes('list') && verbs.includes('deletecollection'),
  );
  const isPods = (resource: Resource<KubeObject>): boolean => resource.group === '' && resource.plural === 'pods';
  const podsLeft = await emptyOf(context, all.find(({ resource }) => isPods(resource))?.resource, namespace, signal);
  if (podsLeft !== undefined) return [podsLeft];
  const left: Left[] = [];
  for (const { resource } of all) {
    if (isPods(resource)) continue;
    const rest = await emptyOf(context, resource, namespace, signal);
    if (rest !== undefined) left.push(rest);
  }
  return left;
}

async function emptyOf(
  { client }: ControllerContext,
  resource: Resource<KubeObject> | undefined,
  namespace: string,
  signal: AbortSignal,
): Promise<Left | undefined> {
  if (resource === undefined) return undefined;
  const { items } = await client.list(resource, { namespace, limit: PAGE, signal });
  if (items.length === 0) return undefined;
  if (items.some((one) => !isDeleting(one))) {
    const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
    const path = `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`;
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
    await client.request('DELETE', path, options, signal);
  }
  const remaining = await client.list(resource, { namespace, limit: PAGE, signal });
  if (remaining.items.length === 0) return undefined;
  const finalizers = remaining.items.flatMap((object) => object.metadata?.finalizers ?? []);
  return { resource, count: remaining.items.length, finalizers };
}

/** Upstream's conditions: what is left, and who holds on to it. */
function conditionsFor(
  left: readonly Left[],
  before: readonly NamespaceCondition[],
  nowMs: number,
): NamespaceCondition[] {
  const name = ({ plural, group }: Resource<KubeObject>): string => `${plural}.${group}`;
  const remaining = left.map(({ resource, count }) => `${name(resource)} has ${count} resource instances`).toSorted();
  const holders = new Map<string, number>();
  for (const finalizer of left.flatMap(({ finalizers }) => finalizers))
    holders.set(finalizer, (holders.get(finalizer) ?? 0) + 1);
  const held = [...holders].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).toSorted();
  const rows: readonly [string, boolean, string, string][] = [
    ['NamespaceDeletionDiscoveryFailure', false, 'ResourcesDiscovered', 'All resources successfully discovered'],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ],
    [
      'NamespaceDeletionContentFailure',
      false,
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ],
    remaining.length === 0
      ? ['NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed']
      : [
          'NamespaceContentRemaining',
          true,
          'SomeResourcesRemain',
          `Some resources are remaining: ${remaining.join(', ')}`,
        ],
    held.length === 0
      ? ['NamespaceFinalizersRemaining', false, 'ContentHasNoFinalizers', 'All content-preserving finalizers finished']
      : [
          'NamespaceFinalizersRemaining',
          true,
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${held.join(', ')}`,
        ],
  ];
  const now = rfc3339(nowMs);
  return rows.map(([type, isTrue, reason, message]) => {
    const status = isTrue ? 'True' : 'False';
    const old = before.find((condition) => condition.type === type);
    const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? now) : now;
    return { type, status, reason, message, lastTransitionTime };
  });
}

async function writeConditions(
  context: ControllerContext,
  namespace: Namespace,
  left: readonly Left[],
  signal: AbortSignal,
): Promise<void> {
  const before = namespace.status?.conditions ?? [];
  const conditions = conditionsFor(left, before, context.clock.nowMs());
  if (JSON.stringify(before) === JSON.stringify(conditions)) return;
  const body = { status: { conditions } };
  const key = { namespace: '', name: namespace.metadata?.name ?? '' };
  await context.client.patch(namespaces, key, { type: 'merge', body }, { subresource: 'status', signal });
}

async function finalize({ client }: ControllerContext, name: string, signal: AbortSignal): Promise<void> {
  try {
    const namespace = await client.get(namespaces, '', name, { signal });
    const finalizers = (namespace.spec?.finalizers ?? []).filter((one) => one !== FINALIZER);
    const update = {
      ...namespace,
      apiVersion: 'v1',
      kind: 'Namespace',
      spec: { ...namespace.spec, finalizers },
    } as Namespace;
    await client.update(namespaces, update, { subresource: 'finalize', signal });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
