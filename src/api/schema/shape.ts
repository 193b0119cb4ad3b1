import type { Definitions, Property } from './definition.ts';

/** The type of one field, as small as it can be kept. */
export type FieldShape =
  | { readonly type: 'string' | 'bytes' | 'boolean' | 'int32' | 'int64' | 'number' }
  | { readonly type: 'quantity' | 'int-or-string' | 'time' | 'micro-time' | 'any' }
  | { readonly type: 'object'; readonly definition: string }
  | { readonly type: 'array'; readonly items: FieldShape }
  | { readonly type: 'map'; readonly values: FieldShape };

/** A field with the rules by which strategic merge patches treat it. */
export interface Field {
  readonly shape: FieldShape;
  readonly mergeKey: string | undefined;
  readonly patchStrategy: string | undefined;
}

/** The fields of one definition. */
export interface ObjectShape {
  /** As `PodSpec`: Go's struct name, which decoding errors cite. */
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
}

const SPECIAL: Readonly<Record<string, FieldShape>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: 'quantity' },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: 'int-or-string' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': { type: 'time' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': { type: 'micro-time' },
};
const ANY: FieldShape = { type: 'any' };
const REF = '#/definitions/';

/** The structure of all definitions without their descriptions: what decoding and patching need of a schema. */
export class Shapes {
  readonly #shapes = new Map<string, ObjectShape>();

  constructor(definitions: Definitions) {
    for (const [definition, { properties }] of Object.entries(definitions)) {
      if (properties === undefined) continue;
      const fields = new Map<string, Field>();
      for (const [name, property] of Object.entries(properties)) {
        fields.set(name, {
          shape: shapeOf(property, definitions),
          mergeKey: property['x-kubernetes-patch-merge-key'],
          patchStrategy: property['x-kubernetes-patch-strategy'],
        });
      }
      this.#shapes.set(definition, { name: definition.slice(definition.lastIndexOf('.') + 1), fields });
    }
  }

  /** @param definition as `io.k8s.api.core.v1.Pod` */
  get(definition: string): ObjectShape | undefined {
    return this.#shapes.get(definition);
  }
}

function shapeOf(property: Property, definitions: Definitions): FieldShape {
  const { $ref, type, format, items, additionalProperties } = property;
  if ($ref !== undefined) return shapeOfReference($ref.slice(REF.length), definitions);
  switch (type) {
    case 'string':
      if (format === 'int-or-string') return { type: 'int-or-string' };
      if (format === 'byte') return { type: 'bytes' };
      return format === 'date-time' ? { type: 'time' } : { type: 'string' };
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: format === 'int64' ? 'int64' : 'int32' };
    case 'number':
      return { type: 'number' };
    case 'array':
      return { type: 'array', items: items === undefined ? ANY : shapeOf(items, definitions) };
    case 'object':
      return additionalProperties === undefined ? ANY : mapOf(additionalProperties, definitions);
    default:
      return ANY;
  }
}

function mapOf(values: Property, definitions: Definitions): FieldShape {
  return { type: 'map', values: shapeOf(values, definitions) };
}

function shapeOfReference(definition: string, definitions: Definitions): FieldShape {
  const special = SPECIAL[definition];
  if (special !== undefined) return special;
  const target = definitions[definition];
  if (target === undefined) return ANY;
  return target.properties === undefined ? shapeOf(target, definitions) : { type: 'object', definition };
}
