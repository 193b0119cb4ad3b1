import { definitionOf } from '../../api/kinds/definition-name.ts';
import type { Kind, Subresource, Verb } from '../../api/kinds/kind.ts';

/** A parameter of an operation, in either version's words. */
export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
}

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What an operation at a path takes and gives, apart from how OpenAPI 2 or 3 writes it. */
export interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'delete' | 'patch';
  /** `x-kubernetes-action` */
  readonly action: string;
  readonly id: string;
  readonly description: string;
  readonly kind: GroupVersionKind;
  /** Definition of the body; absent: none. */
  readonly body?: string;
  readonly consumes: readonly string[];
  /** Definition of the answer; absent: a string. */
  readonly result?: string;
  readonly codes: readonly number[];
  readonly parameters: readonly Parameter[];
}

export interface PathOperations {
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly operations: readonly Operation[];
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const STREAMS = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);
const PATCHES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

const NAMESPACE = parameter(
  'namespace',
  'path',
  'string',
  'object name and auth scope, such as for teams and projects',
);
const PRETTY = parameter('pretty', 'query', 'string', "If 'true', then the output is pretty printed.");
const DRY_RUN = parameter(
  'dryRun',
  'query',
  'string',
  'When present, indicates that modifications should not be persisted. The only value is All.',
);
const FIELD_MANAGER = parameter('fieldManager', 'query', 'string', 'Name of the actor that makes the change.');
const FIELD_VALIDATION = parameter(
  'fieldValidation',
  'query',
  'string',
  'What to do about unknown and duplicate fields: Ignore, Warn or Strict.',
);
const WRITE = [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION];
const SELECT = [
  parameter('labelSelector', 'query', 'string', 'Restricts the objects by their labels.'),
  parameter('fieldSelector', 'query', 'string', 'Restricts the objects by their fields.'),
  parameter('limit', 'query', 'integer', 'Objects to return in one page at most.'),
  parameter('continue', 'query', 'string', 'Token of the next page, from the page before.'),
  parameter('resourceVersion', 'query', 'string', 'How fresh the answer has to be, or where a watch begins.'),
  parameter('resourceVersionMatch', 'query', 'string', 'How resourceVersion is applied to a list.'),
  parameter('timeoutSeconds', 'query', 'integer', 'Time limit of a list or watch.'),
];
const WATCH = [
  parameter('watch', 'query', 'boolean', 'Stream the changes instead of listing.'),
  parameter('allowWatchBookmarks', 'query', 'boolean', 'Send BOOKMARK events.'),
  parameter('sendInitialEvents', 'query', 'boolean', 'Begin a watch with the present objects.'),
];
const DELETE = [
  DRY_RUN,
  parameter('gracePeriodSeconds', 'query', 'integer', 'Seconds before the object is deleted.'),
  parameter('propagationPolicy', 'query', 'string', 'Orphan, Background or Foreground.'),
];

function parameter(name: string, where: Parameter['in'], type: Parameter['type'], description: string): Parameter {
  return { name, in: where, type, description };
}

/** The paths of a kind: its collections, its objects and their subresources. */
export function pathsOf(kind: Kind): PathOperations[] {
  const home = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = kind.namespaced ? `${home}/namespaces/{namespace}` : home;
  const scopeParameters = kind.namespaced ? [NAMESPACE, PRETTY] : [PRETTY];
  const name = parameter('name', 'path', 'string', `name of the ${kind.kind}`);
  const collection: PathOperations = {
    path: `${scope}/${kind.plural}`,
    parameters: scopeParameters,
    operations: operations(kind, ['list', 'create', 'deletecollection']),
  };
  const object: PathOperations = {
    path: `${scope}/${kind.plural}/{name}`,
    parameters: [name, ...scopeParameters],
    operations: operations(kind, ['get', 'update', 'patch', 'delete']),
  };
  const everywhere: PathOperations = {
    path: `${home}/${kind.plural}`,
    parameters: [PRETTY],
    operations: kind.namespaced ? operations(kind, ['list']) : [],
  };
  const nested = kind.subresources.map((subresource): PathOperations => ({
    path: `${object.path}/${subresource.name}`,
    parameters: object.parameters,
    operations: subresource.verbs.map((verb) => subresourceOperation(kind, subresource, verb)),
  }));
  return [collection, object, everywhere, ...nested].filter(({ operations: all }) => all.length > 0);
}

function operations(kind: Kind, verbs: readonly Verb[]): Operation[] {
  return verbs.filter((verb) => kind.verbs.includes(verb)).map((verb) => operation(kind, verb));
}

type Form = Pick<Operation, 'method' | 'action' | 'codes' | 'parameters'>;

/** What the operations of a verb are alike in. */
const FORMS: Readonly<Record<Exclude<Verb, 'watch'>, Form>> = {
  get: { method: 'get', action: 'get', codes: [200], parameters: [] },
  list: { method: 'get', action: 'list', codes: [200], parameters: [...SELECT, ...WATCH] },
  create: { method: 'post', action: 'post', codes: [200, 201, 202], parameters: WRITE },
  update: { method: 'put', action: 'put', codes: [200, 201], parameters: WRITE },
  patch: { method: 'patch', action: 'patch', codes: [200, 201], parameters: WRITE },
  delete: { method: 'delete', action: 'delete', codes: [200, 202], parameters: DELETE },
  deletecollection: { method: 'delete', action: 'deletecollection', codes: [200], parameters: [...SELECT, ...DELETE] },
};

function operation(kind: Kind, verb: Verb): Operation {
  const form = FORMS[verb === 'watch' ? 'get' : verb];
  return { id: `${verb}${idOf(kind)}`, kind: gvk(kind), consumes: ['*/*'], ...form, ...content(kind, verb) };
}

/** What goes in and out. */
function content(
  { kind, definition }: Kind,
  verb: Verb,
): Pick<Operation, 'description' | 'body' | 'result'> & Partial<Pick<Operation, 'consumes'>> {
  const deletion = { body: `${META}.DeleteOptions`, result: `${META}.Status` };
  switch (verb) {
    case 'list':
      return { description: `list or watch objects of kind ${kind}`, result: `${definition}List` };
    case 'create':
      return { description: `create a ${kind}`, body: definition, result: definition };
    case 'update':
      return { description: `replace the specified ${kind}`, body: definition, result: definition };
    case 'patch': {
      const description = `partially update the specified ${kind}`;
      return { description, body: `${META}.Patch`, consumes: PATCHES, result: definition };
    }
    case 'delete':
      return { description: `delete a ${kind}`, ...deletion };
    case 'deletecollection':
      return { description: `delete collection of ${kind}`, ...deletion };
    default:
      return { description: `read the specified ${kind}`, result: definition };
  }
}

function subresourceOperation(kind: Kind, subresource: Subresource, verb: Verb): Operation {
  const own = {
    ...kind,
    kind: subresource.kind,
    group: subresource.group ?? kind.group,
    version: subresource.version ?? kind.version,
  };
  const id = `${verb}${idOf(kind)}${capital(subresource.name)}`;
  if (STREAMS.has(subresource.name)) {
    const method = verb === 'create' ? 'post' : verb === 'update' ? 'put' : verb;
    return {
      method: method as Operation['method'],
      action: 'connect',
      id,
      description: `connect to ${subresource.name} of ${kind.kind}`,
      kind: gvk(own),
      consumes: ['*/*'],
      codes: [200],
      parameters: [],
    };
  }
  const definition =
    subresource.group === undefined && subresource.kind === kind.kind ? kind.definition : definitionOf(own);
  const made = operation({ ...own, definition }, verb);
  return { ...made, id, description: `${made.action} ${subresource.name} of the specified ${kind.kind}` };
}

function gvk({ group, version, kind }: GroupVersionKind): GroupVersionKind {
  return { group, kind, version };
}

function idOf({ group, version, kind, namespaced }: Kind): string {
  const home = group === '' ? 'Core' : capital(group.split('.')[0] ?? '');
  return `${home}${capital(version)}${namespaced ? 'Namespaced' : ''}${kind}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
