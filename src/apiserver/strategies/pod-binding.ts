import type { Binding, Pod } from '../../api/objects.ts';
import { invalid, invalidObject, required, type FieldError } from '../../api/field-error.ts';
import { conflict } from '../../api/status.ts';
import { rfc3339 } from '../../api/time.ts';
import { dns1123Subdomain } from '../../api/validation/names.ts';
import type { StrategyContext, SubresourceStrategy, UpdateRules } from '../registry/strategy.ts';
import { SUCCESS } from './success.ts';

/** A name for the write that binds; no client can ask for it, since no kind's row lists it. */
export const BIND = 'internal:bind';

/** POST pods/binding: gives an unscheduled pod its node (pkg/registry/core/pod/storage, BindingREST). */
export const bindingSubresource: SubresourceStrategy = {
  type: 'create',
  async create(object, context) {
    await bindPod(object as unknown as Binding, context);
    return SUCCESS;
  },
};

/** The write itself may do what no other update of a pod may: nothing is checked again. */
export const bindRules: { readonly type: 'update' } & UpdateRules = { type: 'update' };

/** Binds, whether the Binding came to pods/binding or to bindings. @throws StatusError Invalid, NotFound, Conflict */
export async function bindPod(binding: Binding, context: StrategyContext): Promise<void> {
  const name = context.name || (binding.metadata?.name ?? '');
  const errors = validateBinding(binding);
  if (errors.length > 0) throw invalidObject('Binding', name, errors);
  if (context.isDryRun) {
    assign(await context.registry.get<Pod>('pods', context.namespace, name), binding, context.nowMs);
    return;
  }
  await context.registry.update<Pod>(
    'pods',
    context.namespace,
    name,
    (pod) => assign(pod, binding, context.nowMs),
    BIND,
  );
}

/** The pod with its node. @throws StatusError Conflict when it has one, or goes, or is not the one that was meant */
function assign(pod: Pod, binding: Binding, nowMs: number): Pod {
  const name = pod.metadata?.name ?? '';
  const { uid } = binding.metadata ?? {};
  const refuse = (why: string): never => {
    throw conflict('pods/binding', name, why);
  };
  if (uid && uid !== pod.metadata?.uid)
    refuse(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata?.uid}`);
  if (pod.metadata?.deletionTimestamp !== undefined)
    refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec?.nodeName) refuse(`pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  if ((pod.spec?.schedulingGates ?? []).length > 0) refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const now = rfc3339(nowMs);
  const { nominatedNodeName: _nominated, ...status } = pod.status ?? {};
  const annotations = { ...pod.metadata?.annotations, ...binding.metadata?.annotations };
  const labels = { ...pod.metadata?.labels, ...binding.metadata?.labels };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
    },
    spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName: binding.target.name ?? '' },
    status: {
      ...status,
      conditions: [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime: now }],
    },
  };
}

function validateBinding(binding: Binding): FieldError[] {
  const target = (binding as Partial<Binding>).target ?? {};
  if (target.kind && target.kind !== 'Node')
    return [
      {
        type: 'FieldValueNotSupported',
        field: 'target.kind',
        message: `Unsupported value: "${target.kind}": supported values: "Node", "<empty>"`,
      },
    ];
  if (!target.name) return [required('target.name')];
  return dns1123Subdomain(target.name).map((why) => invalid('target.name', target.name, why));
}
