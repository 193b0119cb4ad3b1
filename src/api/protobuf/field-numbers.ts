/** A field of a message on the wire. */
export interface WireField {
  /** Name in JSON; of an embedded message the message's own name. */
  readonly name: string;
  /** The fields of the message stand in JSON among those of the outer one. */
  readonly isEmbedded: boolean;
  /** Whether a zero or empty value says something: Go's pointers and fields without omitempty. */
  readonly keepsZero: boolean;
}

/** By field number. */
export type WireFields = ReadonlyMap<number, WireField>;

/**
 * Field numbers of Kubernetes' messages, by definition name (the `protobuf:` tags of k8s.io/api): per message
 * `name=1 ~Embedded=2 pointer=3*`. No npm package carries them.
 */
export class FieldNumbers {
  readonly #rows: Readonly<Record<string, string>>;
  readonly #parsed = new Map<string, WireFields>();

  constructor(rows: Readonly<Record<string, string>>) {
    this.#rows = rows;
  }

  /** Undefined for what has no protobuf form (custom resources). */
  get(definition: string): WireFields | undefined {
    const known = this.#parsed.get(definition);
    const row = this.#rows[definition];
    if (known !== undefined || row === undefined) return known;
    const fields = new Map<number, WireField>();
    for (const part of row.split(' ')) {
      const match = /^(~?)(\w+)=(\d+)(\*?)$/.exec(part);
      if (match === null) throw new Error(`bad row of ${definition}: "${part}"`);
      const [, embedded, name = '', id, keeps] = match;
      fields.set(Number(id), { name, isEmbedded: embedded === '~', keepsZero: keeps === '*' });
    }
    this.#parsed.set(definition, fields);
    return fields;
  }
}
