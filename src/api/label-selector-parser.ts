import { badRequest } from './status.ts';
import { labelValue, qualifiedName } from './validation/names.ts';

/** One requirement on a label or field. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values: readonly string[];
}

type Operator = Requirement['operator'];

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['in', 'In'],
  ['notin', 'NotIn'],
  ['=', 'In'],
  ['==', 'In'],
  ['!=', 'NotIn'],
  ['>', 'Gt'],
  ['<', 'Lt'],
]);
const SYMBOLS = '=!(),<>';
/** Blanks, symbols (`==` and `!=` before their parts), and whatever stands between them. */
const TOKEN = /[ \t\r\n]+|==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+/y;

/** Parses `a=b,c!=d,e in (f,g),!h,i`, in upstream's words where it cannot (labels/selector.go). @throws StatusError BadRequest */
export function parseLabelSelector(text: string): readonly Requirement[] {
  return new Parser(tokensOf(text)).parse();
}

/** In one pass: anybody may ask with a selector. */
function tokensOf(text: string): string[] {
  return [...text.matchAll(new RegExp(TOKEN, 'gy'))].map(([token]) => token).filter((token) => token.trim() !== '');
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    while (this.#next !== '') {
      if (!isWord(this.#next) && this.#next !== '!') throw unexpected(this.#next, "!, identifier, or 'end of string'");
      requirements.push(this.#requirement());
      const token = this.#take();
      if (token === '') break;
      if (token !== ',') throw unexpected(token, "',' or 'end of string'");
      if (!isWord(this.#next) && this.#next !== '!') throw unexpected(this.#next, "identifier after ','");
    }
    return requirements;
  }

  /** The empty string at the end. */
  get #next(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #take(): string {
    const token = this.#next;
    this.#at += 1;
    return token;
  }

  #requirement(): Requirement {
    const isAbsent = this.#next === '!';
    if (isAbsent) this.#take();
    const key = this.#take();
    if (!isWord(key)) throw unparsable(`found '${key}', expected: identifier`);
    const [wrong] = qualifiedName(key);
    if (wrong !== undefined) throw refused('<nil>', key, wrong);
    if (this.#next === '' || this.#next === ',')
      return { key, operator: isAbsent ? 'DoesNotExist' : 'Exists', values: [] };
    const token = this.#take();
    const operator = OPERATORS.get(token);
    if (operator === undefined) throw unparsable(`found '${token}', expected: in, notin, =, ==, !=, gt, lt`);
    const values = token === 'in' || token === 'notin' ? this.#set() : [this.#value()];
    return checked({ key, operator, values });
  }

  #value(): string {
    if (this.#next === '' || this.#next === ',') return '';
    const token = this.#take();
    if (!isWord(token)) throw unparsable(`found '${token}', expected: identifier`);
    return token;
  }

  /** `(a, b)`; what is left out between commas is the empty value. */
  #set(): string[] {
    const open = this.#take();
    if (open !== '(') throw unparsable(`found '${open}' expected: '('`);
    const values = new Set<string>();
    for (let isAfterValue = false; ;) {
      const token = this.#take();
      if (token === ')' || token === ',') {
        if (!isAfterValue) values.add('');
        if (token === ')') return [...values].sort();
        isAfterValue = false;
      } else if (isWord(token) && !isAfterValue) {
        values.add(token);
        isAfterValue = true;
      } else throw unparsable(`found '${token}', expected: ${isAfterValue ? "',' or ')'" : "',', ')' or identifier"}`);
    }
  }
}

function isWord(token: string): boolean {
  return token !== '' && !SYMBOLS.includes(token.charAt(0));
}

/** Values must be ones that a label can have (labels.NewRequirement). @throws StatusError BadRequest */
function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement;
  for (const [index, value] of values.entries()) {
    const [wrong] = labelValue(value);
    if (wrong !== undefined) throw refused(`values[${index}][${key}]`, value, wrong);
    if ((operator === 'Gt' || operator === 'Lt') && !/^[+-]?\d+$/.test(value))
      throw refused(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer");
  }
  return requirement;
}

function unexpected(found: string, expected: string): Error {
  return badRequest(`found '${found}', expected: ${expected}`);
}

function unparsable(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}

function refused(field: string, value: string, why: string): Error {
  return unparsable(`${field}: Invalid value: ${JSON.stringify(value)}: ${why}`);
}
