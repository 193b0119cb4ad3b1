import { errorText } from '../api/error-text.ts';
import { isDeleting } from '../api/object-facts.ts';
import type { KubeObject, ListOf, Namespace } from '../api/objects.ts';
import { ignoring, isReason } from '../api/status.ts';
import { namespaces, pods } from '../client/resources.ts';
import { type ControllerContext, type CreateController, queuedController } from './controller.ts';
import { type Discovered, type DiscoveredResource, discoverResources } from './discover-resources.ts';
import { conditionsFor, type Emptied, isEmpty, type Left } from './namespace-status.ts';

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
      const emptied = await emptyNamespace(context, name, signal);
      signal.throwIfAborted();
      await writeConditions(context, namespace, emptied, signal);
      if (isEmpty(emptied)) return finalize(context, name, signal);
      const waitMs = waits.get(name) ?? AGAIN_MIN_MS;
      waits.set(name, Math.min(AGAIN_MAX_MS, waitMs * 2));
      queue.addAfter(name, waitMs);
    },
  });
};

/** Deletes all that is in the namespace, pods first so that nothing runs on what is going; says what is still there. */
async function emptyNamespace(context: ControllerContext, namespace: string, signal: AbortSignal): Promise<Emptied> {
  let discovered: Discovered;
  try {
    discovered = await discoverResources(context.client, signal);
  } catch (error) {
    return { left: [], discovery: errorText(error), unreadable: [], failures: [] };
  }
  const { failures: discovery, unreadable } = discovered;
  const all = discovered.resources.filter(
    ({ resource, verbs }) => resource.namespaced && verbs.includes('list') && verbs.includes('delete'),
  );
  const [ofPods, others] = [all.filter(isPods), all.filter((one) => !isPods(one))];
  const left: Left[] = [];
  const failures: string[] = [];
  for (const kinds of [ofPods, others]) {
    if (left.length > 0) break; // the pods
    for (const kind of kinds)
      try {
        const rest = await emptyOf(context, kind, namespace, signal);
        if (rest !== undefined) left.push(rest);
      } catch (error) {
        failures.push(errorText(error));
      }
  }
  return { left, discovery, unreadable, failures };
}

function isPods({ resource: { group, plural } }: DiscoveredResource): boolean {
  return group === '' && plural === 'pods';
}

async function emptyOf(
  { client }: ControllerContext,
  { resource, verbs }: DiscoveredResource,
  namespace: string,
  signal: AbortSignal,
): Promise<Left | undefined> {
  const list = async (): Promise<ListOf<KubeObject>> =>
    client.list(resource, { namespace, limit: PAGE, signal }).catch((error: unknown) => {
      // The kind went since discovery (a CustomResourceDefinition), and its objects with it; or it cannot be listed at all.
      ignoring('NotFound', 'MethodNotAllowed')(error);
      return { items: [], metadata: {} };
    });
  const { items } = await list();
  if (items.length === 0) return undefined;
  if (items.some((one) => !isDeleting(one))) {
    if (verbs.includes('deletecollection')) {
      const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
      const path = `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`;
      const options = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
      await client.request('DELETE', path, options, signal).catch(ignoring('NotFound'));
    } else
      for (const { metadata: { name = '', uid = '' } = {} } of items)
        await client
          .delete(resource, { namespace, name }, { propagationPolicy: 'Background', preconditions: { uid }, signal })
          .catch(ignoring('NotFound', 'Conflict'));
  }
  const remaining = await list();
  if (remaining.items.length === 0) return undefined;
  const finalizers = remaining.items.flatMap((object) => object.metadata?.finalizers ?? []);
  const count = remaining.items.length + (remaining.metadata.remainingItemCount ?? 0);
  return { resource: `${resource.plural}.${resource.group}`, count, finalizers };
}

async function writeConditions(
  context: ControllerContext,
  namespace: Namespace,
  emptied: Emptied,
  signal: AbortSignal,
): Promise<void> {
  const before = namespace.status?.conditions ?? [];
  const conditions = conditionsFor(emptied, before, context.clock.nowMs());
  if (JSON.stringify(before) === JSON.stringify(conditions)) return;
  const update = { ...namespace, status: { ...namespace.status, conditions } };
  // No patch: upstream's role of this controller has none. Who was faster is heard of, and it is called again.
  await context.client
    .update(namespaces, update, { subresource: 'status', signal })
    .catch(ignoring('Conflict', 'NotFound'));
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
