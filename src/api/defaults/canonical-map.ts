import { canonicalQuantity, isQuantity } from '../quantity.ts';

/** Rewrites each quantity in its canonical form; what is none stays for the validation to name. */
export function canonicalMap(resources: Record<string, string | number> | undefined): void {
  if (resources === undefined) return;
  for (const [name, quantity] of Object.entries(resources)) {
    if (isQuantity(quantity)) resources[name] = canonicalQuantity(quantity);
  }
}
