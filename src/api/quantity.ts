import { StatusError } from './status.ts';

/** Resource quantities as `100m`, `1.5Gi`, `2e3` (apimachinery pkg/api/resource/quantity.go). */

const BINARY: Record<string, bigint> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};
/** Power of ten of each decimal suffix. */
const DECIMAL: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?(?:(Ki|Mi|Gi|Ti|Pi|Ei)|([numkMGTPE])|[eE]([+-]?\d{1,3}))?$/;

/** The error text of upstream's ParseQuantity. */
const WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const NANO = 1_000_000_000n;
/** The largest that can be compared has far fewer; time to read grows with the square of the length. */
const LENGTH_MAX = 256;

/** A quantity in nano units, rounded up as upstream does below one nano. @throws StatusError BadRequest */
export function parseNano(quantity: string | number): bigint {
  const text = String(quantity);
  const match = text.length > LENGTH_MAX ? null : SHAPE.exec(text);
  if (match === null) throw new StatusError('BadRequest', WRONG);
  const [, sign = '', whole = '', fraction = '', binary, decimal = '', exponent] = match;
  if (whole === '' && fraction === '') throw new StatusError('BadRequest', WRONG);
  const digits = BigInt(whole + fraction);
  let nano: bigint;
  if (binary === undefined) {
    const power = 9 - fraction.length + (exponent === undefined ? (DECIMAL[decimal] ?? 0) : Number(exponent));
    nano = power >= 0 ? digits * 10n ** BigInt(power) : divideUp(digits, 10n ** BigInt(-power));
  } else {
    nano = divideUp(digits * (BINARY[binary] ?? 1n) * NANO, 10n ** BigInt(fraction.length));
  }
  return sign === '-' ? -nano : nano;
}

/** Whole units, rounded up: bytes of memory, numbers of pods. */
export function parseUnits(quantity: string | number): number {
  return Number(divideUp(parseNano(quantity), NANO));
}

/** Thousandths, rounded up: CPU as the scheduler counts it. */
export function parseMilli(quantity: string | number): number {
  return Number(divideUp(parseNano(quantity), 1_000_000n));
}

/** Whether the text is a quantity. */
export function isQuantity(value: unknown): value is string | number {
  if (typeof value !== 'string' && typeof value !== 'number') return false;
  try {
    parseNano(value);
    return true;
  } catch {
    return false;
  }
}

/** CPU in its canonical form: `2`, `1500m`. */
export function formatMilli(milli: number): string {
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}

/** Bytes in the canonical binary form: the largest suffix that divides evenly. */
export function formatBytes(bytes: number): string {
  for (const suffix of ['Ti', 'Gi', 'Mi', 'Ki']) {
    const unit = Number(BINARY[suffix]);
    if (bytes !== 0 && bytes % unit === 0) return `${bytes / unit}${suffix}`;
  }
  return String(bytes);
}

/** Negative, zero or positive as a is less than, equal to or more than b. */
export function compareQuantity(a: string | number, b: string | number): number {
  const difference = parseNano(a) - parseNano(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/**
 * A quantity as upstream stores and prints it: mantissa without trailing zeros, at most three fractional digits moved
 * into a suffix (`0.5` becomes `500m`, `1024Mi` becomes `1Gi`, `1000m` becomes `1`).
 */
export function canonicalQuantity(quantity: string | number): string {
  const text = String(quantity);
  const nano = parseNano(text);
  if (nano === 0n) return '0';
  const sign = nano < 0n ? '-' : '';
  let rest = nano < 0n ? -nano : nano;
  if (text.endsWith('i') && rest % NANO === 0n && rest >= 1024n * NANO) return sign + canonicalBinary(rest / NANO);
  if (/[eE][+-]?\d+$/.test(text)) return sign + canonicalExponent(rest);
  let power = -9;
  while (power < 18 && rest % 1000n === 0n) {
    rest /= 1000n;
    power += 3;
  }
  const suffix = Object.keys(DECIMAL).find((key) => DECIMAL[key] === power) ?? '';
  return `${sign}${rest}${suffix}`;
}

function canonicalBinary(units: bigint): string {
  let suffix = '';
  let rest = units;
  for (const next of ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']) {
    if (rest % 1024n !== 0n) break;
    rest /= 1024n;
    suffix = next;
  }
  return `${rest}${suffix}`;
}

function canonicalExponent(nano: bigint): string {
  let rest = nano;
  let power = -9;
  while (rest % 1000n === 0n) {
    rest /= 1000n;
    power += 3;
  }
  return power === 0 ? String(rest) : `${rest}e${power}`;
}

function divideUp(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a > 0n && a % b !== 0n ? quotient + 1n : quotient;
}
