import type { FieldError } from '../field-error.ts';
import { duplicate, forbiddenField, invalid, required } from '../field-error.ts';
import type { ResourceRequirements } from '../objects.ts';
import { canonicalQuantity, compareQuantity, isQuantity, parseNano } from '../quantity.ts';
import { qualifiedName } from './names.ts';
import { NOT_NEGATIVE } from './object-meta.ts';

const STANDARD = new Set(['cpu', 'memory', 'ephemeral-storage']);
const NANO = 1_000_000_000n;

type Quantities = Readonly<Record<string, string | number>>;

/** Requests and limits of a container (ValidateContainerResourceRequirements): no request above its limit. */
export function validateResources(resources: ResourceRequirements | undefined, path: string): FieldError[] {
  if (resources === undefined) return [];
  const limits: Quantities = resources.limits ?? {};
  const requests: Quantities = resources.requests ?? {};
  const errors: FieldError[] = [];
  for (const [name, quantity] of Object.entries(limits)) {
    const at = `${path}.limits[${name}]`;
    errors.push(...validateResourceName(name, at), ...validateQuantity(name, quantity, at));
  }
  for (const [name, quantity] of Object.entries(requests)) {
    const at = `${path}.requests[${name}]`;
    errors.push(...validateResourceName(name, at), ...validateQuantity(name, quantity, at));
    errors.push(...againstLimit(name, quantity, limits[name], `${path}.requests`));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory'))
    errors.push(forbiddenField(path, 'HugePages require cpu or memory'));
  const claims = new Set<string>();
  for (const [i, claim] of (resources.claims ?? []).entries()) {
    const key = claim.request ? `${claim.name}/${claim.request}` : claim.name;
    if (!claim.name) errors.push(required(`${path}.claims[${i}]`));
    else if (claims.has(key)) errors.push(duplicate(`${path}.claims[${i}]`, key));
    claims.add(key);
  }
  return errors;
}

function againstLimit(
  name: string,
  request: string | number,
  limit: string | number | undefined,
  at: string,
): FieldError[] {
  if (!isQuantity(request)) return [];
  const isExact = isExtended(name) || isHugePages(name);
  if (limit === undefined)
    return isExact
      ? [required(at.replace(/requests$/, 'limits'), 'Limit must be set for non overcommitable resources')]
      : [];
  if (!isQuantity(limit)) return [];
  const text = canonicalQuantity(request);
  if (isExact && compareQuantity(request, limit) !== 0)
    return [invalid(at, text, `must be equal to ${name} limit of ${canonicalQuantity(limit)}`)];
  if (!isExact && compareQuantity(request, limit) > 0)
    return [invalid(at, text, `must be less than or equal to ${name} limit of ${canonicalQuantity(limit)}`)];
  return [];
}

/** The name of something that a container may ask for: cpu, memory, ephemeral-storage, hugepages, or `domain/name`. */
export function validateResourceName(name: string, at: string): FieldError[] {
  const errors = qualifiedName(name).map((why) => invalid(at, name, why));
  if (errors.length > 0) return errors;
  if (!name.includes('/') && !STANDARD.has(name) && !isHugePages(name))
    return [invalid(at, name, 'must be a standard resource for containers')];
  if (name.includes('/') && name.startsWith('requests.'))
    return [invalid(at, name, "doesn't follow extended resource name standard")];
  return [];
}

/** A quantity that is not negative, and whole where only whole ones make sense (ValidateResourceQuantityValue). */
export function validateQuantity(name: string, quantity: string | number, at: string): FieldError[] {
  if (!isQuantity(quantity))
    return [
      invalid(
        at,
        quantity,
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      ),
    ];
  const nano = parseNano(quantity);
  const text = canonicalQuantity(quantity);
  if (nano < 0n) return [invalid(at, text, NOT_NEGATIVE)];
  if ((isExtended(name) || name === 'pods') && nano % NANO !== 0n) return [invalid(at, text, 'must be an integer')];
  return [];
}

function isExtended(name: string): boolean {
  return name.includes('/') && !name.startsWith('kubernetes.io/') && !name.includes('.kubernetes.io/');
}

function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}
