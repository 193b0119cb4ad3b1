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
  readonly mergeKey?: string | undefined;
  readonly patchStrategy?: string | undefined;
  /** An empty list or map is as good as none: Go's `omitempty`, which the published schemas tell by "not required". */
  readonly isOmittedEmpty?: true;
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

/** `[name, field]` of each field, as JSON. */
type Row = readonly (readonly [string, Field])[];

/**
 * The structure of all definitions without their descriptions: what decoding and patching need of a schema. A definition
 * is unfolded when it is first asked for: most kinds are never written, and all of them unfolded take some megabytes.
 */
export class Shapes {
  readonly #rows = new Map<string, string>();
  readonly #shapes = new Map<string, ObjectShape>();

  constructor(definitions: Definitions) {
    for (const [definition, { properties, required = [] }] of Object.entries(definitions)) {
      if (properties === undefined) continue;
      const row: Row = Object.entries(properties).map(([name, property]) => [
        name,
        fieldOf(property, definitions, required.includes(name)),
      ]);
      this.#rows.set(definition, JSON.stringify(row));
    }
  }

  /** @param definition as `io.k8s.api.core.v1.Pod` */
  get(definition: string): ObjectShape | undefined {
    const known = this.#shapes.get(definition);
    const row = this.#rows.get(definition);
    if (known !== undefined || row === undefined) return known;
    const fields = new Map(JSON.parse(row) as Row);
    const shape = { name: definition.slice(definition.lastIndexOf('.') + 1), fields };
    this.#shapes.set(definition, shape);
    this.#rows.delete(definition);
    return shape;
  }
}

function fieldOf(property: Property, definitions: Definitions, isRequired: boolean): Field {
  const shape = shapeOf(property, definitions);
  const isOmittedEmpty = !isRequired && (shape.type === 'array' || shape.type === 'map');
  return {
    shape,
    mergeKey: property['x-kubernetes-patch-merge-key'],
    patchStrategy: property['x-kubernetes-patch-strategy'],
    ...(isOmittedEmpty ? { isOmittedEmpty } : {}),
  };
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
