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

/** The one document of a text. @throws Error that names line and column */
export function parseYaml(text: string): unknown {
  return load(text, { schema: SCHEMA });
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
    return { value: load(text, { schema: SCHEMA, json: true }), duplicates };
  }
}

/** Every document of a text, empty ones left out. @throws Error that names line and column */
export function parseYamlDocuments(text: string): unknown[] {
  return loadAll(text, { schema: SCHEMA }).filter((one) => one !== null && one !== undefined);
}

/** A document that any YAML reader gives back as it was. */
export function formatYaml(value: unknown): string {
  return dump(value, { noRefs: true, lineWidth: -1 });
}
