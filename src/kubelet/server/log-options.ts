import { badRequest } from '../../api/status.ts';
import type { LineChoice } from './log-line-reader.ts';

/** What a reader of a container's log wants (core/v1 PodLogOptions). */
export interface LogOptions extends LineChoice {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
}

const TRUE = new Set(['', '1', 't', 'T', 'true', 'True', 'TRUE']);

/** @throws StatusError BadRequest */
export function logOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const isSet = (name: string): boolean => TRUE.has(query.get(name) ?? 'false');
  const sinceSeconds = numberOf(query, 'sinceSeconds', 1);
  const sinceTime = query.get('sinceTime') ?? '';
  if (sinceSeconds !== undefined && sinceTime !== '')
    throw badRequest('at most one of `sinceTime` or `sinceSeconds` may be specified');
  const sinceMs = sinceTime === '' ? undefined : Date.parse(sinceTime);
  if (Number.isNaN(sinceMs)) throw badRequest(`sinceTime must be a time as of RFC 3339: got "${sinceTime}"`);
  return {
    follow: isSet('follow'),
    previous: isSet('previous'),
    timestamps: isSet('timestamps'),
    tailLines: numberOf(query, 'tailLines', 0),
    limitBytes: numberOf(query, 'limitBytes', 1),
    sinceMs: sinceSeconds === undefined ? sinceMs : nowMs - sinceSeconds * 1000,
    stream: streamOf(query.get('stream') ?? ''),
  };
}

function numberOf(query: URLSearchParams, name: string, min: number): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min) return value;
  throw badRequest(`${name} must be an integer >= ${min}: got "${text}"`);
}

function streamOf(text: string): 'stdout' | 'stderr' | undefined {
  if (text === '' || text === 'All') return undefined;
  if (text === 'Stdout') return 'stdout';
  if (text === 'Stderr') return 'stderr';
  throw badRequest(`stream must be All, Stdout or Stderr: got "${text}"`);
}
