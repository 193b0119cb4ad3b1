/**
 * Writes definitions.json: the OpenAPI definitions of every Kubernetes 1.36 type, with descriptions, from two npm
 * packages that were themselves generated from Kubernetes: kubernetes-models says structure, descriptions and what is
 * required, @kubernetes/client-node the formats. Run by `npm run generate`; only the build runs this file.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { MERGE_KEYS } from './merge-keys.ts';
import type { Definition, Property } from './definition.ts';

const MODULES = resolve(import.meta.dirname, '../../../node_modules');
const MODELS = join(MODULES, 'kubernetes-models');
const APIMACHINERY = join(MODULES, '@kubernetes-models/apimachinery');
const CLIENT = join(MODULES, '@kubernetes/client-node/dist/gen/models');
const OUT = join(import.meta.dirname, 'definitions.json');

/** Types that are plain values on the wire though they have a name (openapi OpenAPISchemaType of each Go type). */
const SCALARS: Record<string, Definition> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: 'string' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': { type: 'string', format: 'date-time' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': { type: 'string', format: 'date-time' },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: 'string', format: 'int-or-string' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': { type: 'object' },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': { type: 'object' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.Patch': { type: 'object' },
};

/** The Go package of a folder of kubernetes-models: `apps/v1` is io.k8s.api.apps.v1. */
function packageOf(folder: string): string {
  const [group = '', version] = folder.split('/');
  if (version === undefined) return `io.k8s.api.core.${group}`;
  const short = group.split('.')[0] ?? group;
  if (short === 'apiextensions') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}`;
  if (short === 'apiregistration') return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}`;
  if (group === 'internal.apiserver.k8s.io') return `io.k8s.api.apiserverinternal.${version}`;
  return `io.k8s.api.${short}.${version}`;
}

/** The definition that lives in a .d.ts file, by its path. */
function definitionName(file: string): string {
  const path = file.replace(/\.(d\.ts|js)$/, '');
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (path.startsWith(APIMACHINERY))
    return `io.k8s.apimachinery.pkg.${relative(APIMACHINERY, dirname(path)).replaceAll('/', '.')}.${name}`;
  return `${packageOf(relative(MODELS, dirname(path)))}.${name}`;
}

/** Field name to format, of one class of client-node; empty where there is no such class. */
function formatsOf(definition: string): Map<string, string> {
  const [name = '', version = '', group = ''] = definition.split('.').toReversed();
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
  for (const candidate of [`${capital(group)}${capital(version)}${name}`, `${capital(version)}${name}`]) {
    const text = readIfThere(join(CLIENT, `${candidate}.js`));
    if (text === undefined) continue;
    const fields = text.matchAll(/"baseName": "([^"]+)",\s+"type": "([^"]*)",\s+"format": "([^"]*)"/g);
    return new Map(
      Array.from(fields, ([, field = '', type = '', format = '']) => [
        field,
        type === 'IntOrString' ? 'int-or-string' : format,
      ]),
    );
  }
  return new Map();
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The text of a JSDoc comment, lines joined as upstream's descriptions have them. */
function descriptionOf(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .replaceAll(/\\([*/])/g, '$1')
    .trim();
}

/** An object of a kind written out where its name should stand (volumeClaimTemplates); its spec's type has the name. */
const INLINE_KIND = /\{\n\s+(?:\/\*\*(?:\n\s+\*.*)+\n\s+)?"apiVersion"\?: [^}]*?"spec"\?: (\w+)Spec;[^}]*\}/g;

/** Reads one .d.ts. Undefined where it declares no interface that we know how to read. */
function readDefinition(file: string): Definition | undefined {
  const text = readFileSync(file, 'utf8');
  const head = /(?:\/\*\*\n((?: \*.*\n)*?) \*\/\n)?export interface I(\w+)( extends TypeMeta)? \{\n/.exec(text);
  if (head === null) return undefined;
  const [whole, comment = ''] = head;
  const start = head.index + whole.length;
  const body = text.slice(start, text.indexOf('\n}\n', start) + 1).replaceAll(INLINE_KIND, '$1');
  const imports = importsOf(file, text);
  const formats = formatsOf(definitionName(file));
  const properties: Record<string, Property> = {};
  const required: string[] = [];
  const fields = body.matchAll(
    /(?: {4}\/\*\*\n((?: {5}\*.*\n)*?) {5}\*\/\n)? {4}"([^"]+)"(\??): ([^;{]+|\{\n[^}]+\});\n/g,
  );
  for (const [, doc = '', field = '', optional, type = ''] of fields) {
    const isTypeMeta = head[3] !== undefined && (field === 'apiVersion' || field === 'kind');
    const property = isTypeMeta ? { type: 'string' } : propertyOf(type.trim(), imports, formats.get(field) ?? '');
    const description = isTypeMeta ? TYPE_META[field] : descriptionOf(doc);
    properties[field] = description === undefined || description === '' ? property : { description, ...property };
    if (optional === '' && !isTypeMeta) required.push(field);
  }
  const description = descriptionOf(comment);
  return {
    ...(description === '' ? {} : { description }),
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...groupVersionKind(body, head[3] !== undefined),
  };
}

const TYPE_META: Record<string, string> = {
  apiVersion:
    'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
  kind: 'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
};

function groupVersionKind(body: string, hasTypeMeta: boolean): Pick<Definition, 'x-kubernetes-group-version-kind'> {
  const apiVersion = /"apiVersion": "([^"]+)"/.exec(body)?.[1];
  const kind = /"kind": "([^"]+)"/.exec(body)?.[1];
  if (!hasTypeMeta || apiVersion === undefined || kind === undefined) return {};
  const [version = '', group = ''] = apiVersion.split('/').toReversed();
  return { 'x-kubernetes-group-version-kind': [{ group, kind, version }] };
}

/** Imported type name to definition name. */
function importsOf(file: string, text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, names = '', from = ''] of text.matchAll(/import (?:type )?\{ ([^}]+) \} from "([^"]+)"/g)) {
    const path = from.startsWith('.') ? resolve(dirname(file), from) : join(MODULES, from);
    for (const name of names.split(', ')) {
      const local = name.split(' as ').pop() ?? name;
      found.set(local, definitionName(path));
      if (local.endsWith('Spec'))
        found.set(local.slice(0, -'Spec'.length), definitionName(path).slice(0, -'Spec'.length));
    }
  }
  return found;
}

function propertyOf(type: string, imports: Map<string, string>, format: string): Property {
  const array = /^Array<(.+)>$/s.exec(type);
  if (array !== null) return { type: 'array', items: propertyOf(array[1] ?? '', imports, format) };
  const map = /^\{\s*\[key: string\]: (.+?);?\s*\}$/s.exec(type);
  if (map !== null) return { type: 'object', additionalProperties: propertyOf(map[1] ?? '', imports, format) };
  const target = imports.get(type);
  if (target !== undefined) return { $ref: `#/definitions/${target}` };
  if (type === 'string') return format === '' ? { type: 'string' } : { type: 'string', format };
  if (type === 'number') return numberOf(format);
  if (type === 'boolean') return { type: 'boolean' };
  const literals = Array.from(type.matchAll(/"([^"]*)"/g), ([, value = '']) => value);
  if (literals.length > 0) return { type: 'string', enum: literals };
  if (/\b(string \| number|number \| string)\b/.test(type)) return { type: 'string', format: 'int-or-string' };
  return { type: 'object' };
}

function numberOf(format: string): Property {
  return format === 'double'
    ? { type: 'number', format }
    : { type: 'integer', format: format === '' ? 'int32' : format };
}

/** Adds our table of merge keys to the properties it names. @throws Error when the table names what is not there */
function addMergeKeys(definitions: Record<string, Definition>): void {
  for (const [name, fields] of Object.entries(MERGE_KEYS)) {
    for (const [field, merge] of Object.entries(fields)) {
      const property = definitions[name]?.properties?.[field];
      if (property === undefined) throw new Error(`merge-keys.ts names ${name}.${field}, which does not exist`);
      if (merge.patchMergeKey !== undefined) property['x-kubernetes-patch-merge-key'] = merge.patchMergeKey;
      if (merge.patchStrategy !== undefined) property['x-kubernetes-patch-strategy'] = merge.patchStrategy;
      if (merge.listType !== undefined) property['x-kubernetes-list-type'] = merge.listType;
      if (merge.listMapKeys !== undefined) property['x-kubernetes-list-map-keys'] = [...merge.listMapKeys];
    }
  }
}

/** A reference to what no file defines would break every reader: say so here. */
function checkReferences(definitions: Record<string, Definition>): void {
  for (const [, target = ''] of JSON.stringify(definitions).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g))
    if (!(target in definitions)) throw new Error(`no definition of ${target}`);
}

function main(): void {
  const definitions: Record<string, Definition> = { ...SCALARS };
  const files = [
    ...globSync(join(MODELS, '*/*.d.ts')).filter((file) => !file.includes('/_schemas/')),
    ...globSync(join(MODELS, '*/*/*.d.ts')),
    ...globSync(join(APIMACHINERY, '{api,apis,util,runtime,version}/**/*.d.ts')),
  ].sort();
  for (const file of files) {
    if (file.endsWith('/index.d.ts')) continue;
    const name = definitionName(file);
    if (name in SCALARS) continue;
    const definition = readDefinition(file);
    definitions[name] = definition ?? { type: 'object' };
  }
  addMergeKeys(definitions);
  checkReferences(definitions);
  writeFileSync(OUT, JSON.stringify(definitions));
  process.stdout.write(`${Object.keys(definitions).length} definitions\n`);
}

main();
