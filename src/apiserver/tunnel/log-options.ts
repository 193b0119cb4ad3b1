import { forbiddenField, invalid, invalidObject, notSupported, type FieldError } from '../../api/field-error.ts';
import { badRequest } from '../../api/status.ts';

const FLAGS = ['follow', 'previous', 'timestamps'] as const;
const NUMBERS = ['sinceSeconds', 'tailLines', 'limitBytes'] as const;
const STREAMS = ['All', 'Stderr', 'Stdout'];

/**
 * The query of a log request as the kubelet takes it, checked (ValidatePodLogOptions). @throws StatusError Invalid, BadRequest
 */
export function logQuery(name: string, query: URLSearchParams): URLSearchParams {
  const checked = new URLSearchParams();
  for (const flag of FLAGS) if (isTrue(query.get(flag))) checked.set(flag, 'true');
  const errors: FieldError[] = [];
  for (const field of NUMBERS) {
    const text = query.get(field);
    if (text === null || text === '') continue;
    if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    const value = Number(text);
    if (field === 'tailLines' && value < 0) errors.push(invalid(field, value, 'must be greater than or equal to 0'));
    if (field !== 'tailLines' && value < 1) errors.push(invalid(field, value, 'must be greater than 0'));
    checked.set(field, text);
  }
  const since = query.get('sinceTime');
  if (since !== null && since !== '') {
    if (Number.isNaN(Date.parse(since)))
      throw badRequest(`parsing time ${JSON.stringify(since)} as "2006-01-02T15:04:05Z07:00": cannot parse`);
    if (checked.has('sinceSeconds'))
      errors.push(forbiddenField('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
    checked.set('sinceTime', since);
  }
  const stream = query.get('stream');
  if (stream !== null && stream !== '') {
    if (!STREAMS.includes(stream)) errors.push(notSupported('stream', stream, STREAMS));
    else if (stream !== 'All' && checked.has('tailLines'))
      errors.push(forbiddenField('[]', '`tailLines` and specific `stream` are mutually exclusive for now'));
    checked.set('stream', stream);
  }
  if (errors.length > 0) throw invalidObject('PodLogOptions', name, errors);
  return checked;
}

/** Go's ParseBool for the spellings that clients send; a bare `?follow` counts. */
export function isTrue(value: string | null): boolean {
  return value !== null && ['', '1', 't', 'true', 'True', 'TRUE', 'T'].includes(value);
}
