/** What stands between commas. */
export function split(text: string): string[] {
  return text.split(',').filter((one) => one !== '');
}

/** @throws Error for what is no port */
export function port(text: string, flag: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new Error(`${flag} must be a port: got '${text}'`);
}

/** @throws Error for what is no integer above 0 */
export function positive(text: string, flag: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`${flag} must be an integer > 0: got '${text}'`);
}

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** One number and one unit, of Go's durations. @throws Error for what is not that */
export function durationMs(text: string, flag: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  if (unit === 'ms' || unit === 's' || unit === 'm' || unit === 'h') return Number(number) * UNITS[unit];
  throw new Error(`${flag} must be a duration such as 5s: got '${text}'`);
}

/** Three files of one TLS identity. @throws Error when some are given and others not */
export function allOrNone(
  caFile: string | undefined,
  certFile: string | undefined,
  keyFile: string | undefined,
  names: string,
): { readonly caFile: string; readonly certFile: string; readonly keyFile: string } | undefined {
  if (caFile !== undefined && certFile !== undefined && keyFile !== undefined) return { caFile, certFile, keyFile };
  if (caFile === undefined && certFile === undefined && keyFile === undefined) return undefined;
  throw new Error(`${names} go together`);
}

/** @throws Error for what is no number of whole seconds from 0 on */
export function seconds(text: string, flag: string): number {
  const number = Number(text);
  if (text !== '' && Number.isInteger(number) && number >= 0) return number;
  throw new Error(`${flag} must be whole seconds: got '${text}'`);
}
