import type { FieldError } from '../field-error.ts';
import { duplicate, forbiddenField, invalid, notSupported, required } from '../field-error.ts';
import type { Node, Taint } from '../objects.ts';
import { isCidr } from './ip.ts';
import { labelValue, qualifiedName } from './names.ts';
import { sameJson } from './object-meta.ts';
import { validateQuantity } from './resources.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** A Node, apart from its metadata (ValidateNode). */
export function validateNode(node: Node): FieldError[] {
  const errors = validateTaints(node.spec?.taints ?? []);
  const addresses = new Set<string>();
  for (const [i, { type, address }] of (node.status?.addresses ?? []).entries()) {
    const key = `${type} ${address}`;
    if (addresses.has(key)) errors.push(duplicate(`status.addresses[${i}]`, { type, address }));
    addresses.add(key);
  }
  for (const field of ['capacity', 'allocatable'] as const) {
    for (const [name, quantity] of Object.entries(node.status?.[field] ?? {}))
      errors.push(...validateQuantity(name, quantity, `status.${field}[${name}]`));
  }
  const ranges = node.spec?.podCIDRs ?? [];
  for (const [i, range] of ranges.entries()) {
    if (!isCidr(range))
      errors.push(
        invalid(`spec.podCIDRs[${i}]`, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'),
      );
  }
  if (ranges.length > 2)
    errors.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'));
  return errors;
}

function validateTaints(taints: readonly Taint[]): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, i) => {
    const at = `metadata.taints[${i}]`;
    const { value = '', effect } = taint;
    const key: string = taint.key ?? '';
    const errors = qualifiedName(key).map((why) => invalid(`${at}.key`, key, why));
    errors.push(...labelValue(value).map((why) => invalid(`${at}.value`, value, why)));
    if (!effect) errors.push(required(`${at}.effect`));
    else if (!EFFECTS.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, EFFECTS, 'given'));
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) {
      const message = 'Duplicate value: ' + JSON.stringify({ key, value, effect });
      errors.push({
        type: 'FieldValueDuplicate',
        field: at,
        message: `${message}: taints must be unique by key and effect pair`,
      });
    }
    seen.add(pair);
    return errors;
  });
}

/** What an update may not change (ValidateNodeUpdate): of spec hardly more than taints and unschedulable. */
export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const spec = node.spec ?? {};
  const before = old.spec ?? {};
  const errors: FieldError[] = [];
  if ((before.podCIDRs ?? []).length > 0 && !sameJson(spec.podCIDRs, before.podCIDRs))
    errors.push(forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  if (before.providerID && spec.providerID !== before.providerID)
    errors.push(forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  const rest = { ...spec, ...kept(before), unschedulable: before.unschedulable, taints: before.taints };
  if (!sameJson(rest, { ...before, ...kept(before) }))
    errors.push(forbiddenField('[]', 'node updates may only change labels, taints, or capacity'));
  return errors;
}

/** Fields that have a complaint of their own, as they were. */
function kept({ podCIDR, podCIDRs, providerID, configSource }: NonNullable<Node['spec']>): object {
  return { podCIDR, podCIDRs, providerID, configSource };
}
