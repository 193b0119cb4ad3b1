import type { Kind } from '../../api/kinds/kind.ts';
import type { Definition, Definitions } from '../../api/schema/definition.ts';
import { VERSION } from '../version.ts';
import { pathsOf, type Operation, type Parameter } from './operations.ts';
import { reachable } from './reachable.ts';

const PRODUCES = ['application/json', 'application/yaml'];

export interface DocumentV2 {
  readonly swagger: '2.0';
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, PathItemV2>>;
  readonly definitions: Readonly<Record<string, Definition>>;
}

export interface OperationV2 {
  readonly description: string;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  readonly schemes: readonly string[];
  readonly operationId: string;
  readonly parameters: readonly ParameterV2[];
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly schema?: { readonly $ref?: string; readonly type?: string } }
    >
  >;
  readonly 'x-kubernetes-action': string;
  readonly 'x-kubernetes-group-version-kind': object;
}

export type ParameterV2 =
  | (Parameter & { readonly uniqueItems: boolean; readonly required?: boolean })
  | {
      readonly name: 'body';
      readonly in: 'body';
      readonly required: boolean;
      readonly schema: { readonly $ref: string };
    };

export type PathItemV2 = Readonly<Record<string, OperationV2 | readonly ParameterV2[]>>;

/** All that is served, as OpenAPI 2.0. */
export function documentV2(kinds: readonly Kind[], definitions: Definitions): DocumentV2 {
  const paths: Record<string, PathItemV2> = {};
  const used = new Set<string>();
  for (const kind of kinds) {
    used.add(kind.definition);
    for (const { path, parameters, operations } of pathsOf(kind)) {
      const item: Record<string, OperationV2 | ParameterV2[]> = { parameters: parameters.map(plain) };
      for (const operation of operations) {
        item[operation.method] = operationV2(operation);
        for (const definition of [operation.body, operation.result]) if (definition !== undefined) used.add(definition);
      }
      paths[path] = item;
    }
  }
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: VERSION.gitVersion },
    paths,
    definitions: reachable(definitions, used),
  };
}

function operationV2(operation: Operation): OperationV2 {
  const { description, consumes, id, body, result, parameters, codes, action, kind } = operation;
  const schema = result === undefined ? { type: 'string' } : { $ref: `#/definitions/${result}` };
  const named = (code: number): [string, { description: string; schema: typeof schema }] => [
    String(code),
    { description: describe(code), schema },
  ];
  return {
    description,
    consumes,
    produces: PRODUCES,
    schemes: ['https'],
    operationId: id,
    parameters: [...(body === undefined ? [] : [bodyParameter(body, action)]), ...parameters.map(plain)],
    responses: { ...Object.fromEntries(codes.map(named)), '401': { description: 'Unauthorized' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
  };
}

function bodyParameter(body: string, action: string): ParameterV2 {
  return {
    name: 'body',
    in: 'body',
    required: !action.startsWith('delete'),
    schema: { $ref: `#/definitions/${body}` },
  };
}

function plain(parameter: Parameter): ParameterV2 {
  return { ...parameter, uniqueItems: true, ...(parameter.in === 'path' ? { required: true } : {}) };
}

/** The words of the codes that operations answer with. */
export function describe(code: number): string {
  return code === 201 ? 'Created' : code === 202 ? 'Accepted' : 'OK';
}
