/** A moment as metav1.Time has it, in whole seconds: `2026-11-20T10:11:12Z`. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** A moment as metav1.MicroTime has it, for Leases and Events: `2026-11-20T10:11:12.345000Z`. */
export function rfc3339Micro(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g;
const DURATION = /^[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/;

/** Go's durations, as `1m30s`, `-1.5h` or `0`; null for what is none. */
export function parseDurationMs(text: string): number | null {
  if (!DURATION.test(text)) return null;
  let ms = 0;
  for (const [, number = '', unit = ''] of text.matchAll(PART)) ms += Number(number) * (UNIT_MS.get(unit) ?? 0);
  return text.startsWith('-') ? -ms : ms;
}
