import { parseFieldSelector } from '../api/selector.ts';

/** What a request's method and path ask for (apiserver pkg/endpoints/request/requestinfo.go). */
export interface RequestInfo {
  readonly isResourceRequest: boolean;
  /** API verb; for non-resource requests the HTTP method in lower case. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Path after the subresource with its leading slash, still escaped; else empty. */
  readonly restPath: string;
  readonly path: string;
}

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
/** Subresources of namespaces: `/namespaces/x/status` is no resource `status` in x. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** Reads a request's path. Never fails: what is no resource path is a non-resource request. */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = path.split('/').filter((part) => part !== '');
  const other: RequestInfo = {
    isResourceRequest: false,
    verb: method.toLowerCase(),
    group: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    restPath: '',
    path,
  };
  const home = groupVersionOf(parts);
  if (home === null) return other;
  const { group, version, isDeprecatedWatch, rest } = home;
  const { namespace, segments } = namespaceOf(rest);
  const [resource = '', name = '', subresource = '', ...restParts] = segments.map(unescape);
  if (resource === '') return { ...other, group, version };
  const restPath = restParts.length === 0 ? '' : `/${segments.slice(3).join('/')}`;
  const verb = isDeprecatedWatch ? 'watch' : (VERBS[method] ?? method.toLowerCase());
  const found = { ...other, isResourceRequest: true, verb, group, version, resource, subresource, namespace, restPath };
  if (name !== '') return { ...found, name };
  if (verb === 'get')
    return { ...found, verb: isTrue(query.get('watch')) ? 'watch' : 'list', name: selectedName(query) };
  if (verb === 'delete') return { ...found, verb: 'deletecollection' };
  return found;
}

interface Home {
  readonly group: string;
  readonly version: string;
  readonly isDeprecatedWatch: boolean;
  readonly rest: readonly string[];
}

function groupVersionOf(parts: readonly string[]): Home | null {
  const [prefix, first = '', second = ''] = parts;
  const isCore = prefix === 'api' && parts.length >= 3;
  if (!isCore && !(prefix === 'apis' && parts.length >= 4)) return null;
  const rest = parts.slice(isCore ? 2 : 3);
  const isDeprecatedWatch = rest[0] === 'watch';
  return {
    group: isCore ? '' : first,
    version: isCore ? first : second,
    isDeprecatedWatch,
    rest: isDeprecatedWatch ? rest.slice(1) : rest,
  };
}

function namespaceOf(rest: readonly string[]): { namespace: string; segments: readonly string[] } {
  const [first, namespace = '', third] = rest;
  if (first !== 'namespaces' || namespace === '') return { namespace: '', segments: rest };
  if (third === undefined || NAMESPACE_SUBRESOURCES.has(third))
    return { namespace: unescape(namespace), segments: rest };
  return { namespace: unescape(namespace), segments: rest.slice(2) };
}

/** A list or watch of one name is authorized as such: `metadata.name=x`. */
function selectedName(query: URLSearchParams): string {
  const text = query.get('fieldSelector');
  if (text === null) return '';
  try {
    const named = parseFieldSelector(text).find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    return named?.values[0] ?? '';
  } catch {
    return ''; // the handler says what is wrong with it
  }
}

function unescape(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Booleans in a query: anything but these is true, as apimachinery's conversion has it. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0' && value !== 'False';
}
