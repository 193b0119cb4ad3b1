/** A moment as metav1.Time has it, in whole seconds: `2026-11-20T10:11:12Z`. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** A moment as metav1.MicroTime has it, for Leases and Events: `2026-11-20T10:11:12.345000Z`. */
export function rfc3339Micro(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
