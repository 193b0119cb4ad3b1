import { definitionOf } from '../../api/kinds/definition-name.ts';
import type { Kind, Subresource } from '../../api/kinds/kind.ts';
import { type FieldError, invalid, invalidObject, notSupported, tooLong } from '../../api/field-error.ts';
import type { UnknownObject } from '../../api/objects.ts';
import { builtInShapes } from '../../api/schema/load.ts';
import { decodeBody, type FieldValidation } from '../negotiation/decode-body.ts';
import { contentTypeOf, negotiate, type ResponseFormat } from '../negotiation/response-format.ts';
import { inEncoding, ObjectEncoder } from '../negotiation/object-encoder.ts';
import type { ConnectHandlers } from '../connect.ts';
import type { Exchange } from '../exchange.ts';
import type { ObjectRequest } from '../registry/core.ts';
import type { KindView } from '../registry/kind-view.ts';
import type { Registry } from '../registry/registry.ts';
import type { RequestInfo } from '../request-info.ts';

/** What the handlers of resources share. */
export interface Api {
  readonly registry: Registry;
  readonly connectHandlers: ConnectHandlers;
}

/** One request for a resource, understood: its kind, subresource and form of answer. */
export interface Endpoint {
  readonly api: Api;
  readonly exchange: Exchange;
  readonly info: RequestInfo;
  readonly kind: Kind;
  readonly view: KindView;
  readonly subresource: Subresource | undefined;
}

/** Which options an operation takes, for messages. */
export type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions';

/** The form of the answer. @throws StatusError NotAcceptable */
export function formatOf({ exchange, kind }: Endpoint): ResponseFormat {
  const { headers, query } = exchange;
  const pretty = query.get('pretty');
  const isPretty =
    pretty === null
      ? /^(?:curl|Wget|Mozilla)\//.test(headers['user-agent'] ?? '')
      : pretty !== 'false' && pretty !== '0';
  return negotiate(headers.accept, { hasTransforms: kind.storagePrefix !== '', isPretty });
}

/** Makes the bytes of the endpoint's answers in the format asked for. */
export function encoderOf(endpoint: Endpoint, format: ResponseFormat): ObjectEncoder {
  const { view, exchange, api } = endpoint;
  const includeObject = exchange.query.get('includeObject') ?? '';
  return new ObjectEncoder({ view, format, includeObject, nowMs: () => api.registry.clock.nowMs() });
}

/** Answers with JSON text in the format asked for. */
export async function answer(exchange: Exchange, code: number, json: string, format: ResponseFormat): Promise<void> {
  await exchange.send(code, contentTypeOf(format), inEncoding(json, format));
}

/** The request as the registry takes it. @throws StatusError Invalid: options that make no sense */
export function objectRequest(endpoint: Endpoint, optionsKind: OptionsKind, body: UnknownObject = {}): ObjectRequest {
  const { exchange, info, view } = endpoint;
  const { query, user, signal } = exchange;
  const dryRun = [...query.getAll('dryRun'), ...(Array.isArray(body['dryRun']) ? body['dryRun'].map(String) : [])];
  if (dryRun.some((value) => value !== 'All'))
    throw invalidObject(`${optionsKind}.meta.k8s.io`, '', [notSupported('dryRun', dryRun, ['All'])]);
  const fieldManager = query.get('fieldManager');
  if (fieldManager !== null) checkFieldManager(fieldManager, optionsKind);
  const options: UnknownObject = {
    ...body,
    kind: optionsKind,
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun.length > 0 ? { dryRun } : {}),
    ...(fieldManager === null ? {} : { fieldManager }),
  };
  return {
    view,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    user,
    isDryRun: dryRun.length > 0,
    options,
    warn: (text) => exchange.warn(text),
    signal,
    isAdmitted: true,
  };
}

/** Upstream's limit for the name of a field manager. */
const MANAGER_BYTES_MAX = 128;

function checkFieldManager(value: string, optionsKind: OptionsKind): void {
  const errors = [
    ...(Buffer.byteLength(value) > MANAGER_BYTES_MAX ? [tooLong('fieldManager', MANAGER_BYTES_MAX)] : []),
    ...unprintable(value),
  ];
  if (errors.length > 0) throw invalidObject(`${optionsKind}.meta.k8s.io`, '', errors);
}

function unprintable(value: string): FieldError[] {
  const found = /\p{C}/u.exec(value);
  if (found === null) return [];
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const position = Buffer.byteLength(value.slice(0, found.index));
  return [invalid('fieldManager', value, `invalid character U+${code} (at position ${position})`)];
}

/** `fieldValidation`; absent it is Warn. @throws StatusError Invalid */
export function fieldValidation(query: URLSearchParams, optionsKind: OptionsKind): FieldValidation {
  const value = query.get('fieldValidation') ?? '';
  switch (value) {
    case '':
      return 'Warn';
    case 'Ignore':
    case 'Warn':
    case 'Strict':
      return value;
    default:
      throw invalidObject(`${optionsKind}.meta.k8s.io`, '', [
        notSupported('fieldValidation', value, ['', 'Ignore', 'Warn', 'Strict']),
      ]);
  }
}

/** Reads and decodes the body as an object of this endpoint's kind, or of its subresource's. */
export async function readObjectBody(endpoint: Endpoint, optionsKind: OptionsKind): Promise<UnknownObject> {
  const { exchange } = endpoint;
  const validation = fieldValidation(exchange.query, optionsKind);
  const body = await exchange.readBody();
  return decodeBody(body, exchange.headers['content-type'], expectedBody(endpoint, validation), (text) =>
    exchange.warn(text),
  );
}

export type Expected = Parameters<typeof decodeBody>[2];

/** What the body of a create or update must be: of the subresource's kind where that has one of its own. */
export function expectedBody({ api, kind, subresource }: Endpoint, validation: FieldValidation): Expected {
  const shapes = builtInShapes();
  const { kinds } = api.registry;
  const isOwn = subresource === undefined || (subresource.kind === kind.kind && subresource.group === undefined);
  const group = isOwn ? kind.group : (subresource.group ?? kind.group);
  const version = isOwn ? kind.version : (subresource.version ?? kind.version);
  const name = isOwn ? kind.kind : subresource.kind;
  const definition = isOwn ? kind.definition : definitionOf({ group, version, kind: name });
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind: name,
    shape: shapes.get(definition),
    definition,
    shapes,
    validation,
    isKnownKind: (apiVersion, wanted) => kinds.byKind(apiVersion, wanted) !== undefined,
  };
}
