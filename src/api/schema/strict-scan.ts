import type { FieldShape, ObjectShape, Shapes } from './shape.ts';

/** Upstream stops counting there too (sigs.k8s.io/json). */
const PROBLEMS_MAX = 100;

/**
 * What strict decoding holds against a JSON text, in the order of the text: `unknown field "spec.x"`,
 * `duplicate field "spec.x"`. Nothing is looked for inside an unknown field. The text must be valid JSON.
 */
export function strictProblems(text: string, shape: ObjectShape, shapes: Shapes): string[] {
  const scan = new StrictScan(text, shapes);
  scan.object(shape);
  return [...scan.problems];
}

class StrictScan {
  readonly problems = new Set<string>();
  readonly #text: string;
  readonly #shapes: Shapes;
  #at = 0;
  readonly #path: string[] = [];

  constructor(text: string, shapes: Shapes) {
    this.#text = text;
    this.#shapes = shapes;
  }

  /** Scans an object whose keys are fields of `shape`. */
  object(shape: ObjectShape): void {
    if (this.#peek() !== '{') return this.#skip();
    this.#members((key, isDuplicate) => {
      const field = shape.fields.get(key);
      if (field === undefined) {
        this.#report('unknown', key);
        return this.#skip();
      }
      if (isDuplicate) this.#report('duplicate', key);
      this.#nested(key, () => this.#value(field.shape));
    });
  }

  #value(shape: FieldShape): void {
    switch (shape.type) {
      case 'object': {
        const inner = this.#shapes.get(shape.definition);
        return inner === undefined ? this.#skip() : this.object(inner);
      }
      case 'array':
        return this.#array(shape.items);
      case 'map':
        return this.#map(shape.values);
      default:
        return this.#skip();
    }
  }

  #map(values: FieldShape): void {
    if (this.#peek() !== '{') return this.#skip();
    this.#members((key, isDuplicate) => {
      if (isDuplicate) this.#report('duplicate', key);
      this.#nested(key, () => this.#value(values));
    });
  }

  #array(items: FieldShape): void {
    if (this.#peek() !== '[') return this.#skip();
    this.#at += 1;
    for (let i = 0; this.#peek() !== ']'; i += 1) {
      this.#path.push(`[${i}]`);
      this.#value(items);
      this.#path.pop();
      if (this.#peek() === ',') this.#at += 1;
    }
    this.#at += 1;
  }

  #members(visit: (key: string, isDuplicate: boolean) => void): void {
    const seen = new Set<string>();
    this.#at += 1;
    while (this.#peek() !== '}') {
      const key = this.#key();
      visit(key, seen.has(key));
      seen.add(key);
      if (this.#peek() === ',') this.#at += 1;
    }
    this.#at += 1;
  }

  #key(): string {
    const start = this.#at;
    this.#string();
    const key = JSON.parse(this.#text.slice(start, this.#at)) as string;
    this.#peek();
    this.#at += 1; // the colon
    this.#peek();
    return key;
  }

  #nested(key: string, scan: () => void): void {
    this.#path.push(this.#path.length === 0 ? key : `.${key}`);
    scan();
    this.#path.pop();
  }

  #report(what: 'unknown' | 'duplicate', key: string): void {
    if (this.problems.size >= PROBLEMS_MAX) return;
    const path = this.#path.length === 0 ? key : `${this.#path.join('')}.${key}`;
    this.problems.add(`${what} field ${JSON.stringify(path)}`);
  }

  /** The next character that is no white space. @throws RangeError at the end of the text */
  #peek(): string {
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new RangeError('the JSON text ends early');
      if (char !== ' ' && char !== '\n' && char !== '\t' && char !== '\r') return char;
      this.#at += 1;
    }
  }

  #skip(): void {
    let depth = 0;
    do {
      const char = this.#peek();
      if (char === '"') this.#string();
      else if (char === '{' || char === '[') {
        depth += 1;
        this.#at += 1;
      } else if (char === '}' || char === ']') {
        depth -= 1;
        this.#at += 1;
      } else if (char === ',' || char === ':') this.#at += 1;
      else this.#scalar();
    } while (depth > 0);
  }

  #scalar(): void {
    while (this.#at < this.#text.length && !' \n\t\r,:]}'.includes(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #string(): void {
    let at = this.#at + 1;
    for (;;) {
      const quote = this.#text.indexOf('"', at);
      if (quote < 0) throw new RangeError('the JSON text ends inside a string');
      let slashes = 0;
      while (this.#text[quote - 1 - slashes] === '\\') slashes += 1;
      at = quote + 1;
      if (slashes % 2 === 0) break;
    }
    this.#at = at;
  }
}
