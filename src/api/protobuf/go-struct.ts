/** A field of a Go struct, by its tags. */
export interface GoField {
  /** Name in JSON; empty where the field's own fields stand in the outer object (`json:",inline"`). */
  readonly jsonName: string;
  /** Go type without its package, as `*int32`, `[]Container`, `ObjectMeta`. */
  readonly type: string;
  readonly omitsEmpty: boolean;
  /** The number of its `protobuf:` tag; undefined where it has none (TypeMeta). */
  readonly id: number | undefined;
}

const STRUCT = /^type (\w+) struct \{\n(.*?)^\}/gms;
/** `Name Type` or an embedded `Type`, then the tags between backticks. */
const FIELD = /^\t(?:\w+[ \t]+)?([\w.*[\]]+)[ \t]+`([^`]+)`/;
const TAG = /(\w+):"([^"]*)"/g;

/** The structs of a Go file and the fields that have a JSON name or are embedded; no Go compiler is needed to read tags. */
export function goStructsOf(source: string): Map<string, GoField[]> {
  const found = new Map<string, GoField[]>();
  for (const [, name = '', body = ''] of source.replaceAll(/\/\*.*?\*\//gs, '').matchAll(STRUCT))
    found.set(
      name,
      body.split('\n').flatMap((line) => goField(line) ?? []),
    );
  return found;
}

function goField(line: string): GoField | undefined {
  const match = FIELD.exec(line);
  if (match === null) return undefined;
  const [, type = '', text = ''] = match;
  const tags = new Map(Array.from(text.matchAll(TAG), ([, key = '', value = '']) => [key, value]));
  const [jsonName = '', ...options] = (tags.get('json') ?? '-').split(',');
  if (jsonName === '-') return undefined;
  const id = tags.get('protobuf')?.split(',')[1];
  return {
    jsonName,
    type: type.replace(/^((?:\*|\[\])*)\w+\./, '$1'),
    omitsEmpty: options.includes('omitempty'),
    id: id === undefined ? undefined : Number(id),
  };
}

/**
 * The row of field-numbers.json for one struct: `name=1 ~Embedded=2 pointer=3*`, by number. A star says that a zero value
 * means something: the field is a pointer, or is always written.
 */
export function fieldNumbersRow(fields: readonly GoField[]): string {
  return fields
    .flatMap(({ id, ...field }) => (id === undefined ? [] : [{ id, ...field }]))
    .toSorted((a, b) => a.id - b.id)
    .map(({ id, jsonName, type, omitsEmpty }) => {
      if (jsonName === '') return `~${type.replace(/^\*/, '')}=${id}`;
      return `${jsonName}=${id}${type.startsWith('*') || !omitsEmpty ? '*' : ''}`;
    })
    .join(' ');
}
