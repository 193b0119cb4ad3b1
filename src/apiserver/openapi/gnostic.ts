import { field, message, repeated, type Field, type MessageType } from '../../host/protobuf.ts';
import type { Definition, Property } from '../../api/schema/definition.ts';
import type { DocumentV2, OperationV2, ParameterV2, PathItemV2 } from './document-v2.ts';

/** OpenAPI 2.0 as protobuf (gnostic's openapi.v2.Document), which kubectl before 1.27 asks for. Only the fields that we fill. */

type Message = Record<string, unknown>;

function table(name: string, fields: Record<string, Field>): MessageType<Message> {
  return message<Message>(name, fields);
}

const any = table('Any', { yaml: field(2, 'string') });
const namedAny = table('NamedAny', { name: field(1, 'string'), value: field(2, any) });
const typeItem = table('TypeItem', { value: repeated(1, 'string') });
const schema: MessageType<Message> = table('Schema', {
  ref: field(1, 'string'),
  format: field(2, 'string'),
  description: field(4, 'string'),
  default: field(5, any),
  required: repeated(19, 'string'),
  enum: repeated(20, any),
  additionalProperties: field(21, () => additionalProperties),
  type: field(22, typeItem),
  items: field(23, () => itemsItem),
  properties: field(25, () => properties),
  vendorExtension: repeated(31, namedAny),
});
const additionalProperties = table('AdditionalPropertiesItem', { schema: field(1, schema) });
const itemsItem = table('ItemsItem', { schema: repeated(1, schema) });
const namedSchema = table('NamedSchema', { name: field(1, 'string'), value: field(2, schema) });
const properties = table('Properties', { additionalProperties: repeated(1, namedSchema) });
const bodyParameter = table('BodyParameter', {
  name: field(2, 'string'),
  in: field(3, 'string'),
  required: field(4, 'bool'),
  schema: field(5, schema),
});
const queryParameter = table('QueryParameterSubSchema', {
  in: field(2, 'string'),
  description: field(3, 'string'),
  name: field(4, 'string'),
  type: field(6, 'string'),
  uniqueItems: field(20, 'bool'),
});
const pathParameter = table('PathParameterSubSchema', {
  required: field(1, 'bool'),
  in: field(2, 'string'),
  description: field(3, 'string'),
  name: field(4, 'string'),
  type: field(5, 'string'),
  uniqueItems: field(19, 'bool'),
});
const nonBody = table('NonBodyParameter', { query: field(3, queryParameter), path: field(4, pathParameter) });
const parameter = table('Parameter', { body: field(1, bodyParameter), nonBody: field(2, nonBody) });
const parametersItem = table('ParametersItem', { parameter: field(1, parameter) });
const schemaItem = table('SchemaItem', { schema: field(1, schema) });
const response = table('Response', { description: field(1, 'string'), schema: field(2, schemaItem) });
const responseValue = table('ResponseValue', { response: field(1, response) });
const namedResponseValue = table('NamedResponseValue', { name: field(1, 'string'), value: field(2, responseValue) });
const responses = table('Responses', { responseCode: repeated(1, namedResponseValue) });
const operation = table('Operation', {
  description: field(3, 'string'),
  operationId: field(5, 'string'),
  produces: repeated(6, 'string'),
  consumes: repeated(7, 'string'),
  parameters: repeated(8, parametersItem),
  responses: field(9, responses),
  schemes: repeated(10, 'string'),
  vendorExtension: repeated(13, namedAny),
});
const pathItem = table('PathItem', {
  get: field(2, operation),
  put: field(3, operation),
  post: field(4, operation),
  delete: field(5, operation),
  patch: field(8, operation),
  parameters: repeated(9, parametersItem),
});
const namedPathItem = table('NamedPathItem', { name: field(1, 'string'), value: field(2, pathItem) });
const paths = table('Paths', { path: repeated(2, namedPathItem) });
const definitions = table('Definitions', { additionalProperties: repeated(1, namedSchema) });
const info = table('Info', { title: field(1, 'string'), version: field(2, 'string') });

/** The wire form of the document. */
export const gnosticDocument = table('Document', {
  swagger: field(1, 'string'),
  info: field(2, info),
  paths: field(8, paths),
  definitions: field(9, definitions),
});

/** Encodes a document. */
export function encodeGnostic(document: DocumentV2): Buffer {
  return gnosticDocument.encode({
    swagger: document.swagger,
    info: { ...document.info },
    paths: { path: Object.entries(document.paths).map(([name, item]) => ({ name, value: pathItemOf(item) })) },
    definitions: {
      additionalProperties: Object.entries(document.definitions).map(([name, one]) => ({ name, value: schemaOf(one) })),
    },
  });
}

function pathItemOf(item: PathItemV2): Message {
  const entries = Object.entries(item).map(([key, value]): [string, unknown] => [
    key,
    isParameters(value) ? value.map(parameterOf) : operationOf(value),
  ]);
  return { parameters: [], ...Object.fromEntries(entries) };
}

function isParameters(value: OperationV2 | readonly ParameterV2[]): value is readonly ParameterV2[] {
  return Array.isArray(value);
}

function operationOf(one: OperationV2): Message {
  const { description, operationId, produces, consumes, schemes, parameters, responses: all } = one;
  const responseCode = Object.entries(all).map(([name, { description: text, schema: inner }]) => ({
    name,
    value: { response: { description: text, schema: inner === undefined ? undefined : { schema: schemaOf(inner) } } },
  }));
  return {
    description,
    operationId,
    produces,
    consumes,
    schemes,
    parameters: parameters.map(parameterOf),
    responses: { responseCode },
    vendorExtension: extensionsOf(one),
  };
}

function parameterOf(one: ParameterV2): Message {
  if (one.in === 'body') return { parameter: { body: { ...one, schema: schemaOf(one.schema) } } };
  return { parameter: { nonBody: one.in === 'path' ? { path: { ...one } } : { query: { ...one } } } };
}

function schemaOf(one: Definition | Property): Message {
  const { $ref, format, description, type, items, additionalProperties: values, enum: choices } = one;
  const inner = 'properties' in one ? one.properties : undefined;
  const required = 'required' in one ? one.required : undefined;
  return {
    ref: $ref ?? '',
    format: format ?? '',
    description: description ?? '',
    default: one.default === undefined ? undefined : anyOf(one.default),
    required: required ?? [],
    enum: (choices ?? []).map(anyOf),
    type: type === undefined ? undefined : { value: [type] },
    items: items === undefined ? undefined : { schema: [schemaOf(items)] },
    additionalProperties: values === undefined ? undefined : { schema: schemaOf(values) },
    properties:
      inner === undefined
        ? undefined
        : { additionalProperties: Object.entries(inner).map(([name, value]) => ({ name, value: schemaOf(value) })) },
    vendorExtension: extensionsOf(one),
  };
}

function extensionsOf(one: object): Message[] {
  return Object.entries(one)
    .filter(([name]) => name.startsWith('x-'))
    .map(([name, value]) => ({ name, value: anyOf(value) }));
}

/** Every JSON text is YAML. */
function anyOf(value: unknown): Message {
  return { yaml: `${JSON.stringify(value)}\n` };
}
