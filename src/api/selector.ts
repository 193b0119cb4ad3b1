import type { Requirement } from './label-selector-parser.ts';
import type { LabelSelector } from './objects.ts';
import { badRequest } from './status.ts';

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
