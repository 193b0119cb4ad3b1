import {
  boolYaml11Tag,
  defineScalarTag,
  dump,
  floatCoreTag,
  load,
  loadAll,
  mapTag,
  mergeTag,
  NOT_RESOLVED,
  nullCoreTag,
  Schema,
  seqTag,
  strTag,
} from 'js-yaml';
import { errorText } from './error-text.ts';

/**
 * YAML as Kubernetes reads it (sigs.k8s.io/yaml): 1.1 booleans (`yes`, `off`), `0644` and `0o644` are octal, no base 60,
 * no dates. The one file that knows js-yaml.
 */

/** Integers in the forms that Go's YAML takes. `defaultMode: 0644` is 420. */
const intTag = defineScalarTag<number>('tag:yaml.org,2002:int', {
  implicit: true,
  resolve: (source) => {
    if (!/^[-+]?(?:0b[01_]+|0x[\da-fA-F_]+|0o?[0-7_]+|0|[1-9][\d_]*)$/.test(source)) return NOT_RESOLVED;
    const digits = source
      .replaceAll('_', '')
      .replace(/^[-+]/, '')
      .replace(/^0(?=[0-7])/, '0o');
    return source.startsWith('-') ? -Number(digits) : Number(digits);
  },
  identify: (value: unknown) => Number.isInteger(value),
  represent: String,
});

const SCHEMA = new Schema([strTag, seqTag, mapTag, nullCoreTag, boolYaml11Tag, intTag, floatCoreTag, mergeTag]);

/** Schemas of resources nest deeper than js-yaml's 100; much deeper would be the stack's end. */
const DEPTH_MAX = 1000;
const OPTIONS = { schema: SCHEMA, maxDepth: DEPTH_MAX };

/** The one document of a text. @throws Error that names line and column, or that says that aliases are overdone */
export function parseYaml(text: string): unknown {
  return withoutBomb(withoutText(() => load(text, OPTIONS)));
}

/**
 * The one document of a text in which keys may come twice: the last one counts, and the first such place is named as
 * Go's YAML names it (`line 3: key "a" already set in map`). @throws Error that names line and column
 */
export function parseYamlLenient(text: string): { value: unknown; duplicates: string[] } {
  try {
    return { value: parseYaml(text), duplicates: [] };
  } catch (error) {
    const line = error instanceof Error ? /^duplicated mapping key \((\d+):/.exec(error.message)?.[1] : undefined;
    if (line === undefined) throw error;
    const key = /^[\s-]*"?([^:"]+)/.exec(text.split('\n')[Number(line) - 1] ?? '')?.[1] ?? '';
    const duplicates = [`line ${line}: key ${JSON.stringify(key.trim())} already set in map`];
    return { value: withoutBomb(withoutText(() => load(text, { ...OPTIONS, json: true }))), duplicates };
  }
}

/** Every document of a text, empty ones left out. @throws Error that names line and column */
export function parseYamlDocuments(text: string): unknown[] {
  return withoutText(() => loadAll(text, OPTIONS))
    .map(withoutBomb)
    .filter((one) => one !== null && one !== undefined);
}

/** A document that any YAML reader gives back as it was. */
export function formatYaml(value: unknown): string {
  return dump(value, { noRefs: true, lineWidth: -1, quoteStyle: 'double' });
}

/** The same value with its keys in order, as Go's YAML has them. */
export function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortedKeys(inner)]));
}

/** Errors keep what is wrong and where, and lose the text around it: it may be a key, and errors are logged. */
function withoutText<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    // oxlint-disable-next-line preserve-caught-error -- js-yaml's error carries all of the text
    throw new Error(errorText(error).split('\n')[0]);
  }
}

/** Go's YAML lets aliases be nearly all of a small document, and a tenth of what it makes of a big one (decode.go). */
const ALIASED_MIN = 100;
const NODES_MIN = 1000;
const NODES_SMALL = 400_000;
const NODES_BIG = 4_000_000;
const RATIO_SMALL = 0.99;
const RATIO_BIG = 0.1;

/**
 * The value, unless its aliases written out would be a multiple of the text ("billion laughs"), or one of them holds
 * itself. Aliases share one object: each is counted once, however often it stands there. @throws Error
 */
function withoutBomb(value: unknown): unknown {
  const sizes = new Map<object, number>();
  const open = new Set<object>();
  let distinct = 0;
  const sizeOf = (node: unknown): number => {
    if (typeof node !== 'object' || node === null) {
      distinct += 1;
      return 1;
    }
    const known = sizes.get(node);
    if (known !== undefined) return known;
    if (open.has(node)) throw new Error('anchor value contains itself');
    open.add(node);
    distinct += 1;
    let size = 1;
    for (const child of Object.values(node)) size += sizeOf(child);
    open.delete(node);
    sizes.set(node, size);
    return size;
  };
  const nodes = sizeOf(value);
  const aliased = nodes - distinct;
  const isBomb = aliased > ALIASED_MIN && nodes > NODES_MIN && aliased / nodes > aliasRatioMax(nodes);
  if (isBomb) throw new Error('document contains excessive aliasing');
  return value;
}

function aliasRatioMax(nodes: number): number {
  if (nodes <= NODES_SMALL) return RATIO_SMALL;
  if (nodes >= NODES_BIG) return RATIO_BIG;
  return RATIO_SMALL - (RATIO_SMALL - RATIO_BIG) * ((nodes - NODES_SMALL) / (NODES_BIG - NODES_SMALL));
}
