/**
 * Writes field-numbers.json from the `protobuf:` tags of Kubernetes' published Go types. Only who moves the project to
 * another Kubernetes version needs it; it reads folders and no network:
 *
 *     go mod download -json k8s.io/api@v0.36.0 k8s.io/apimachinery@v0.36.0        # prints a "Dir" each
 *     node src/api/protobuf/generate.ts --from DIR_OF_API --from DIR_OF_APIMACHINERY
 *
 * The Go sources and not the .proto files beside them: only the types say which fields are pointers or lack omitempty,
 * and by that a zero on the wire is told from a field that nobody set.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Definition } from '../schema/definition.ts';
import { fieldNumbersRow, goStructsOf, type GoField } from './go-struct.ts';

const OUT = join(import.meta.dirname, 'field-numbers.json');
const DEFINITIONS = join(import.meta.dirname, '../schema/definitions.json');

/** Where the published types of a module lie: versions that are generally available; and the name of their definitions. */
const MODULES: Record<string, { readonly files: string; readonly prefix: string }> = {
  'k8s.io/api': { files: '*/v[0-9]/*types*.go', prefix: 'io.k8s.api' },
  'k8s.io/apimachinery': { files: 'pkg/apis/meta/v1/*types*.go', prefix: 'io.k8s.apimachinery' },
};

/** Not what is made of an object on the wire: the frame of a watch's stream, which the watch handler writes itself. */
const NO_OBJECTS: readonly string[] = ['io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent'];

/**
 * The rows of field-numbers.json: a row per message that has an OpenAPI definition, and per message embedded in one.
 * @param folders unpacked Go modules, k8s.io/api and k8s.io/apimachinery in any order
 * @throws Error when a folder holds neither of the two
 */
export function readFieldNumbers(
  folders: readonly string[],
  definitions: Readonly<Record<string, Definition>>,
): Record<string, string> {
  const structs = new Map(folders.flatMap((folder) => [...structsOfModule(folder)]));
  const rows = new Map<string, string>();
  const add = (name: string): void => {
    const fields = structs.get(name);
    const row = fieldNumbersRow(fields ?? []);
    if (fields === undefined || row === '' || rows.has(name)) return;
    rows.set(name, row);
    for (const { jsonName, type, id } of fields)
      if (jsonName === '' && id !== undefined)
        add(`${name.slice(0, name.lastIndexOf('.'))}.${type.replace(/^\*/, '')}`);
  };
  for (const [name, definition] of Object.entries(definitions))
    if (definition.type === 'object' && !NO_OBJECTS.includes(name)) add(name);
  return Object.fromEntries([...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The structs of one module by definition name. */
function structsOfModule(folder: string): Map<string, GoField[]> {
  const name = /^module (\S+)$/m.exec(readFileSync(join(folder, 'go.mod'), 'utf8'))?.[1] ?? '';
  const module = MODULES[name];
  if (module === undefined)
    throw new Error(`${folder} holds the Go module "${name}", not ${Object.keys(MODULES).join(' or ')}`);
  const found = new Map<string, GoField[]>();
  for (const file of globSync(module.files, { cwd: folder })) {
    const goPackage = `${module.prefix}.${file.split('/').slice(0, -1).join('.')}`;
    for (const [struct, fields] of goStructsOf(readFileSync(join(folder, file), 'utf8')))
      found.set(`${goPackage}.${struct}`, fields);
  }
  return found;
}

function main(): void {
  const { values } = parseArgs({ options: { from: { type: 'string', multiple: true } } });
  if (values.from === undefined)
    throw new Error('--from names the folder of an unpacked Go module; it may be given twice');
  const definitions = JSON.parse(readFileSync(DEFINITIONS, 'utf8')) as Record<string, Definition>;
  const rows = readFieldNumbers(values.from, definitions);
  writeFileSync(OUT, `${JSON.stringify(rows, null, 2)}\n`);
  process.stdout.write(`${Object.keys(rows).length} messages\n`);
}

if (import.meta.main) main();
