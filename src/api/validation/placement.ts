import type { FieldError } from '../field-error.ts';
import { duplicate, forbiddenField, invalid, notSupported, required } from '../field-error.ts';
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../objects.ts';
import { validateLabelSelector } from './label-selector.ts';
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from './names.ts';

const WEIGHT = 'must be in the range 1-100';
const EFFECTS = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];
const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway'];
const INCLUSION = ['Honor', 'Ignore'];

/** Where a pod wants to be, and with whom. */
export function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  if (affinity === undefined) return [];
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  const errors: FieldError[] = [];
  if (nodeAffinity !== undefined) {
    const at = `${path}.nodeAffinity`;
    const must = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    if (must !== undefined)
      errors.push(...validateNodeSelector(must, `${at}.requiredDuringSchedulingIgnoredDuringExecution`));
    for (const [i, term] of (nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const here = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
      if (term.weight <= 0 || term.weight > 100) errors.push(invalid(`${here}.weight`, term.weight, WEIGHT));
      errors.push(...validateTerm(term.preference, `${here}.preference`));
    }
  }
  for (const [name, one] of Object.entries({ podAffinity, podAntiAffinity })) {
    const at = `${path}.${name}`;
    for (const [i, term] of (one?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries())
      errors.push(...validatePodTerm(term, `${at}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`));
    for (const [i, term] of (one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const here = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
      if (term.weight <= 0 || term.weight > 100) errors.push(invalid(`${here}.weight`, term.weight, WEIGHT));
      errors.push(...validatePodTerm(term.podAffinityTerm, `${here}.podAffinityTerm`));
    }
  }
  return errors;
}

function validateNodeSelector(selector: NodeSelector, path: string): FieldError[] {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) return [required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term')];
  return terms.flatMap((term, i) => validateTerm(term, `${path}.nodeSelectorTerms[${i}]`));
}

function validateTerm(term: NodeSelector['nodeSelectorTerms'][number], path: string): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((one, i) => validateExpression(one, `${path}.matchExpressions[${i}]`)),
    ...(term.matchFields ?? []).flatMap((one, i) => validateField(one, `${path}.matchFields[${i}]`)),
  ];
}

function validateExpression({ key, operator, values = [] }: NodeSelectorRequirement, at: string): FieldError[] {
  const errors: FieldError[] = [];
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0)
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0)
        errors.push(
          forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1)
        errors.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      break;
    default:
      errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
  }
  errors.push(...qualifiedName(key ?? '').map((why) => invalid(`${at}.key`, key ?? '', why)));
  for (const [i, value] of values.entries())
    errors.push(...labelValue(value).map((why) => invalid(`${at}.values[${i}]`, value, why)));
  return errors;
}

function validateField({ key, operator, values = [] }: NodeSelectorRequirement, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
  else if (values.length !== 1)
    errors.push(
      required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
    );
  if (key !== 'metadata.name') return [...errors, invalid(`${at}.key`, key, 'not a valid field selector key')];
  for (const [i, value] of values.entries())
    errors.push(...dns1123Subdomain(value).map((why) => invalid(`${at}.values[${i}]`, value, why)));
  return errors;
}

function validatePodTerm(term: PodAffinityTerm, at: string): FieldError[] {
  const errors = validateLabelSelector(term.labelSelector, `${at}.labelSelector`);
  errors.push(...validateLabelSelector(term.namespaceSelector, `${at}.namespaceSelector`));
  for (const [i, name] of (term.namespaces ?? []).entries())
    errors.push(...dns1123Label(name).map((why) => invalid(`${at}.namespace[${i}]`, name, why)));
  if (!term.topologyKey) return [...errors, required(`${at}.topologyKey`, 'can not be empty')];
  errors.push(...qualifiedName(term.topologyKey).map((why) => invalid(`${at}.topologyKey`, term.topologyKey, why)));
  return errors;
}

/** Which taints a pod bears with (ValidateTolerations). */
export function validateTolerations(tolerations: readonly Toleration[], path: string): FieldError[] {
  return tolerations.flatMap(({ key = '', operator = '', value = '', effect = '', tolerationSeconds }, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (key !== '') errors.push(...qualifiedName(key).map((why) => invalid(`${at}.key`, key, why)));
    if (key === '' && operator !== 'Exists')
      errors.push(
        invalid(
          `${at}.operator`,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      errors.push(invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    switch (operator) {
      case 'Equal':
      case '':
        errors.push(...labelValue(value).map((why) => invalid(`${at}.operator`, value, why)));
        break;
      case 'Exists':
        if (value !== '')
          errors.push(
            invalid(
              `${at}.operator`,
              { key, operator, value, effect },
              "value must be empty when `operator` is 'Exists'",
            ),
          );
        break;
      default:
        errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    }
    if (effect !== '' && !EFFECTS.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, EFFECTS));
    return errors;
  });
}

/** How a workload's pods spread over zones and nodes (KEP-895). */
export function validateTopologySpread(constraints: readonly TopologySpreadConstraint[], path: string): FieldError[] {
  const pairs = new Set<string>();
  return constraints.flatMap((one, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (one.maxSkew <= 0) errors.push(invalid(`${at}.maxSkew`, one.maxSkew, 'must be greater than zero'));
    if (!one.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    else
      errors.push(...qualifiedName(one.topologyKey).map((why) => invalid(`${at}.topologyKey`, one.topologyKey, why)));
    if (!UNSATISFIABLE.includes(one.whenUnsatisfiable))
      errors.push(notSupported(`${at}.whenUnsatisfiable`, one.whenUnsatisfiable, UNSATISFIABLE));
    const pair = `{${one.topologyKey}, ${one.whenUnsatisfiable}}`;
    if (pairs.has(pair)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    pairs.add(pair);
    if (one.minDomains !== undefined) {
      if (one.minDomains <= 0) errors.push(invalid(`${at}.minDomains`, one.minDomains, 'must be greater than zero'));
      if (one.whenUnsatisfiable !== 'DoNotSchedule')
        errors.push(
          invalid(
            `${at}.minDomains`,
            one.minDomains,
            `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${one.whenUnsatisfiable}`,
          ),
        );
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = one[field];
      if (policy !== undefined && !INCLUSION.includes(policy))
        errors.push(notSupported(`${at}.${field}`, policy, INCLUSION));
    }
    if ((one.matchLabelKeys ?? []).length > 0 && one.labelSelector === undefined)
      errors.push(forbiddenField(`${at}.matchLabelKeys`, 'must not be specified when labelSelector is not set'));
    errors.push(...validateLabelSelector(one.labelSelector, `${at}.labelSelector`));
    return errors;
  });
}
