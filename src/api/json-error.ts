const CLOSING: Readonly<Record<string, string>> = { '[': ']', '{': '}' };
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;

/** What comes next, and how Go says that something else came. */
type Place =
  | 'beginning of value'
  | 'beginning of object key string'
  | 'object key'
  | 'object key:value pair'
  | 'array element'
  | 'top-level value';

/** Why a text is no JSON, in the words of Go's parser (encoding/json scanner.go); the text must be none. */
export function jsonErrorText(text: string): string {
  return new Scan(text).run();
}

const EARLY_END = 'unexpected end of JSON input';

class Scan {
  readonly #text: string;
  readonly #open: string[] = [];
  #at = 0;
  #place: Place = 'beginning of value';

  constructor(text: string) {
    this.#text = text;
  }

  run(): string {
    for (;;) {
      while (' \t\r\n'.includes(this.#char) && this.#char !== '') this.#at += 1;
      if (this.#char === '') return EARLY_END;
      const wrong = this.#step();
      if (wrong !== null) return wrong;
    }
  }

  get #char(): string {
    return this.#text[this.#at] ?? '';
  }

  /** Goes over one token. @returns what is wrong with it */
  #step(): string | null {
    const char = this.#char;
    switch (this.#place) {
      case 'beginning of value':
        return this.#value(char);
      case 'beginning of object key string':
        if (char === '}' && this.#text.slice(0, this.#at).trimEnd().endsWith('{')) return this.#close();
        if (char !== '"') return this.#wrong(`looking for ${this.#place}`);
        return this.#string() ?? this.#go('object key');
      case 'object key':
        return char === ':' ? this.#skip('beginning of value') : this.#wrong(`after ${this.#place}`);
      case 'object key:value pair':
        if (char === ',') return this.#skip('beginning of object key string');
        return char === '}' ? this.#close() : this.#wrong(`after ${this.#place}`);
      case 'array element':
        if (char === ',') return this.#skip('beginning of value');
        return char === ']' ? this.#close() : this.#wrong(`after ${this.#place}`);
      default:
        return this.#wrong(`after ${this.#place}`);
    }
  }

  #value(char: string): string | null {
    if (char === '{' || char === '[') {
      this.#open.push(char);
      return this.#skip(char === '{' ? 'beginning of object key string' : 'beginning of value');
    }
    const isEmptyArray = char === ']' && this.#text.slice(0, this.#at).trimEnd().endsWith('[');
    if (isEmptyArray) return this.#close();
    if (char === '"') return this.#string() ?? this.#go(this.#afterValue());
    const literal = LITERALS[char];
    if (literal !== undefined) return this.#literal(literal) ?? this.#go(this.#afterValue());
    if (char === '-' || (char >= '0' && char <= '9')) return this.#number() ?? this.#go(this.#afterValue());
    return this.#wrong('looking for beginning of value');
  }

  #close(): string | null {
    const open = this.#open.pop() ?? '';
    if (CLOSING[open] !== this.#char) return this.#wrong('looking for beginning of value');
    return this.#skip(this.#afterValue());
  }

  #afterValue(): Place {
    const open = this.#open.at(-1);
    if (open === undefined) return 'top-level value';
    return open === '{' ? 'object key:value pair' : 'array element';
  }

  #string(): string | null {
    for (this.#at += 1; this.#char !== '"'; this.#at += 1) {
      if (this.#char === '') return EARLY_END;
      if (this.#char < ' ') return this.#wrong('in string literal');
      const wrong = this.#char === '\\' ? this.#escape() : null;
      if (wrong !== null) return wrong;
    }
    this.#at += 1;
    return null;
  }

  /** Stays at the last character of the escape. */
  #escape(): string | null {
    this.#at += 1;
    if (this.#char === '') return EARLY_END;
    if (!'ubfnrt\\/"'.includes(this.#char)) return this.#wrong('in string escape code');
    for (let left = this.#char === 'u' ? 4 : 0; left > 0; left -= 1) {
      this.#at += 1;
      if (this.#char === '') return EARLY_END;
      if (!/[\dA-Fa-f]/.test(this.#char)) return this.#wrong('in \\u hexadecimal character escape');
    }
    return null;
  }

  #literal(word: string): string | null {
    for (const expected of word) {
      if (this.#char === '') return EARLY_END;
      if (this.#char !== expected) return this.#wrong(`in literal ${word} (expecting '${expected}')`);
      this.#at += 1;
    }
    return null;
  }

  #number(): string | null {
    NUMBER.lastIndex = this.#at;
    const [number = ''] = NUMBER.exec(this.#text) ?? [];
    this.#at += number === '' ? 1 : number.length;
    const isOpen = number === '' || /^(?:\.|[eE])/.test(this.#char);
    if (!isOpen) return null;
    const where = number === '' ? 'in numeric literal' : this.#afterPoint(number);
    return this.#char === '' ? EARLY_END : this.#wrong(where);
  }

  /** Steps over what begins a fraction or an exponent that does not follow. */
  #afterPoint(number: string): string {
    const isFraction = this.#char === '.' && !number.includes('.');
    this.#at += 1;
    if (isFraction) return 'after decimal point in numeric literal';
    if (this.#char === '+' || this.#char === '-') this.#at += 1;
    return 'in exponent of numeric literal';
  }

  #skip(place: Place): null {
    this.#at += 1;
    return this.#go(place);
  }

  #go(place: Place): null {
    this.#place = place;
    return null;
  }

  #wrong(where: string): string {
    const char = this.#char === "'" ? "\\'" : this.#char === '"' ? '"' : JSON.stringify(this.#char).slice(1, -1);
    return `invalid character '${char}' ${where}`;
  }
}
