import type { Definition, Definitions, Property } from '../../api/schema/definition.ts';

const REF = '#/definitions/';

/** The definitions named and all that they refer to, by name. */
export function reachable(definitions: Definitions, names: Iterable<string>): Record<string, Definition> {
  const found: Record<string, Definition> = {};
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const definition = definitions[name];
    if (definition === undefined || name in found) continue;
    found[name] = definition;
    waiting.push(...references(definition));
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function references(property: Definition | Property): string[] {
  const { $ref, items, additionalProperties } = property;
  const nested = [
    ...(items === undefined ? [] : [items]),
    ...(additionalProperties === undefined ? [] : [additionalProperties]),
    ...Object.values('properties' in property ? (property.properties ?? {}) : {}),
  ];
  return [...($ref === undefined ? [] : [$ref.slice(REF.length)]), ...nested.flatMap(references)];
}
