import type { Kind } from '../../api/kinds/kind.ts';
import type { Definition, Definitions, Property } from '../../api/schema/definition.ts';
import { VERSION } from '../version.ts';
import { describe } from './document-v2.ts';
import { pathsOf, type Operation, type Parameter } from './operations.ts';
import { reachable } from './reachable.ts';

const PRODUCES = ['application/json', 'application/yaml'];

/** What one group version serves, as OpenAPI 3.0. */
export function documentV3(kinds: readonly Kind[], definitions: Definitions): object {
  const paths: Record<string, object> = {};
  const used = new Set<string>();
  for (const kind of kinds) {
    used.add(kind.definition);
    for (const { path, parameters, operations } of pathsOf(kind)) {
      for (const { body, result } of operations)
        for (const definition of [body, result]) if (definition !== undefined) used.add(definition);
      paths[path] = {
        parameters: parameters.map(parameterV3),
        ...Object.fromEntries(operations.map((operation) => [operation.method, operationV3(operation)])),
      };
    }
  }
  const schemas = Object.entries(reachable(definitions, used)).map(([name, schema]) => [name, schemaV3(schema)]);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: VERSION.gitVersion },
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  };
}

function operationV3({ description, id, body, consumes, result, parameters, codes, action, kind }: Operation): object {
  const schema = result === undefined ? { type: 'string' } : reference(result);
  const content = Object.fromEntries(PRODUCES.map((type) => [type, { schema }]));
  const responses = codes.map((code) => [String(code), { description: describe(code), content }]);
  const requestBody =
    body === undefined
      ? {}
      : { requestBody: { content: Object.fromEntries(consumes.map((type) => [type, { schema: reference(body) }])) } };
  return {
    description,
    operationId: id,
    parameters: parameters.map(parameterV3),
    ...requestBody,
    responses: { ...Object.fromEntries(responses), '401': { description: 'Unauthorized' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
  };
}

function parameterV3({ name, in: where, type, description }: Parameter): object {
  return {
    name,
    in: where,
    description,
    ...(where === 'path' ? { required: true } : {}),
    schema: { type, uniqueItems: true },
  };
}

function reference(definition: string): object {
  return { $ref: `#/components/schemas/${definition}` };
}

/** A schema with its references in OpenAPI 3's place; a reference with siblings has to be wrapped. */
function schemaV3(schema: Definition | Property): object {
  const { $ref, items, additionalProperties, format, type, ...rest } = schema;
  const { properties, ...plain } = 'properties' in rest ? rest : { properties: undefined, ...rest };
  if ($ref !== undefined) {
    const target = { $ref: $ref.replace('#/definitions/', '#/components/schemas/') };
    return Object.keys(plain).length === 0 ? target : { ...plain, allOf: [target] };
  }
  // An int or a string is no JSON type of its own.
  const typed =
    format === 'int-or-string' ? { format, oneOf: [{ type: 'integer' }, { type: 'string' }] } : { type, format };
  return {
    ...plain,
    ...typed,
    ...(items === undefined ? {} : { items: schemaV3(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: schemaV3(additionalProperties) }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, schemaV3(inner)])) }),
  };
}
