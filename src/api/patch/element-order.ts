import { isFields } from './safe-keys.ts';

/** `$setElementOrder` of a strategic merge patch (strategicpatch's normalizeElementOrder). */

/** Orders objects by their merge key: as `order` (objects with that key) says, the server's own between them. */
export function orderElements(
  merged: readonly unknown[],
  order: readonly unknown[],
  { server, mergeKey }: { readonly server: readonly unknown[]; readonly mergeKey: string },
): unknown[] {
  return ordered(merged, order, server, (item) => (isFields(item) ? item[mergeKey] : item));
}

/** The same for lists of plain values. */
export function orderScalars(
  merged: readonly unknown[],
  order: readonly unknown[],
  server: readonly unknown[],
): unknown[] {
  return ordered([...new Set(merged)], order, server, (item) => item);
}

/** Two lists, each in its own order, woven together: where both know the server's order, that decides. */
function ordered(
  merged: readonly unknown[],
  order: readonly unknown[],
  server: readonly unknown[],
  keyOf: (item: unknown) => unknown,
): unknown[] {
  const rank = new Map(order.map((item, i) => [keyOf(item), i]));
  const serverRank = new Map(server.map((item, i) => [keyOf(item), i]));
  const wanted = merged
    .filter((item) => rank.has(keyOf(item)))
    .toSorted((a, b) => (rank.get(keyOf(a)) ?? 0) - (rank.get(keyOf(b)) ?? 0));
  const others = merged.filter((item) => !rank.has(keyOf(item)));
  const woven: unknown[] = [];
  let at = 0;
  for (const item of wanted) {
    const place = serverRank.get(keyOf(item));
    for (; at < others.length; at += 1) {
      const otherPlace = serverRank.get(keyOf(others[at]));
      if (place === undefined || otherPlace === undefined || otherPlace >= place) break;
      woven.push(others[at]);
    }
    woven.push(item);
  }
  return [...woven, ...others.slice(at)];
}
