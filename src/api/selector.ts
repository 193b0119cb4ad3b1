import { badRequest } from './status.ts';
import { labelValue, qualifiedName } from './validation/names.ts';
import type { LabelSelector } from './objects.ts';

/** One requirement on a label or field. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values: readonly string[];
}

export type Selector = readonly Requirement[];

/** Whether these labels meet every requirement. An absent key meets NotIn and DoesNotExist (labels/selector.go). */
export function matchesLabels(selector: Selector, labels: Readonly<Record<string, string>> | undefined): boolean {
  return selector.every((requirement) => meets(requirement, labels?.[requirement.key]));
}

function meets({ operator, values }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && isInteger(value) && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && isInteger(value) && Number(value) < Number(values[0]);
    default:
      return operator satisfies never;
  }
}

function isInteger(text: string): boolean {
  return /^[+-]?\d+$/.test(text);
}

/** A selector from the object form. `null` and `undefined` select nothing, the empty selector everything. */
export function selectorOf(selector: LabelSelector | null | undefined): Selector | null {
  if (selector === null || selector === undefined) return null;
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]): Requirement => ({
    key,
    operator: 'In',
    values: [value],
  }));
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }): Requirement => ({
    key,
    operator: operator as Requirement['operator'],
    values: values ?? [],
  }));
  return [...equal, ...expressions];
}

/** A plain map as a selector: each key with this value (Service, ReplicationController). */
export function selectorOfMap(map: Readonly<Record<string, string>>): Selector {
  return Object.entries(map).map(([key, value]) => ({ key, operator: 'In', values: [value] }));
}

/** Of a trimmed term: with blanks at its ends too it would take time in the square of its length. */
const TERM = /^(?:(!)\s*([\w./-]+)|([\w./-]+)\s*(?:(==|=|!=|>|<)\s*([\w./-]*)|\s(in|notin)\s*\(([^()]*)\))?)$/;

/** Parses `a=b,c!=d,e in (f,g),!h,i`. @throws StatusError BadRequest */
export function parseLabelSelector(text: string): Selector {
  if (text.trim() === '') return [];
  return splitTerms(text).map((term) => checked(parseTerm(term.trim())));
}

function parseTerm(term: string): Requirement {
  const match = TERM.exec(term);
  if (match === null) throw badRequest(`unable to parse requirement: found '${term}', expected: a label selector`);
  const [, not, absent = '', key = '', operator, value = '', set, members = ''] = match;
  if (not !== undefined) return { key: absent, operator: 'DoesNotExist', values: [] };
  if (set !== undefined) {
    const values = members.split(',').map((member) => member.trim());
    return { key, operator: set === 'in' ? 'In' : 'NotIn', values };
  }
  if (operator === undefined) return { key, operator: 'Exists', values: [] };
  if (operator === '>' || operator === '<') return { key, operator: operator === '>' ? 'Gt' : 'Lt', values: [value] };
  return { key, operator: operator === '!=' ? 'NotIn' : 'In', values: [value] };
}

/** Keys and values must be ones that a label can have (apimachinery labels.NewRequirement). @throws StatusError BadRequest */
function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement;
  const refuse = (field: string, value: string, why: string): never => {
    throw badRequest(`unable to parse requirement: ${field}: Invalid value: ${JSON.stringify(value)}: ${why}`);
  };
  const [wrongKey] = qualifiedName(key);
  if (wrongKey !== undefined) refuse('<nil>', key, wrongKey);
  for (const [index, value] of values.entries()) {
    const [wrongValue] = labelValue(value);
    if (wrongValue !== undefined) refuse(`values[${index}][${key}]`, value, wrongValue);
    if ((operator === 'Gt' || operator === 'Lt') && !isInteger(value))
      refuse(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer");
  }
  return requirement;
}

/** Splits at commas outside parentheses, in one pass: anybody may ask with a selector. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let [begin, isInside] = [0, false];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '(') isInside = true;
    else if (char === ')') isInside = false;
    else if (char === ',' && !isInside) {
      terms.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  return [...terms, text.slice(begin)];
}

/** Renders a selector for a query string. */
export function formatSelector(selector: Selector): string {
  return selector
    .map(({ key, operator, values }) => {
      switch (operator) {
        case 'In':
          return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
        case 'NotIn':
          return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(',')})`;
        case 'Exists':
          return key;
        case 'DoesNotExist':
          return `!${key}`;
        case 'Gt':
          return `${key}>${values[0]}`;
        case 'Lt':
          return `${key}<${values[0]}`;
        default:
          return operator satisfies never;
      }
    })
    .join(',');
}

/**
 * Parses a field selector, `spec.nodeName=w1,metadata.name!=x`; backslash escapes `,`, `=` and itself
 * (apimachinery fields/selector.go). Which fields a kind allows is the registry's business. @throws StatusError BadRequest
 */
export function parseFieldSelector(text: string): Selector {
  if (text === '') return [];
  return text.split(/(?<!\\),/).map((term) => {
    const match = /^([^=!]+)(!=|==|=)(.*)$/.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, key = '', operator, raw = ''] = match;
    return { key, operator: operator === '!=' ? 'NotIn' : 'In', values: [raw.replaceAll(/\\([,=\\])/g, '$1')] };
  });
}

/** Whether the fields meet the selector; an absent field counts as the empty string. */
export function matchesFields(selector: Selector, field: (path: string) => string): boolean {
  return selector.every((requirement) => meets(requirement, field(requirement.key)));
}
