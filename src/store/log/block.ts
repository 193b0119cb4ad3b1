/**
 * Unit of everything in the log. A batch starts and ends on a block, so that
 * no write ever touches a block that holds acknowledged data: flash cards do
 * not promise to leave the rest of a page alone when power fails.
 */
export const BLOCK_BYTES = 4096;

/** `bytes` rounded up to whole blocks. */
export function toBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** The log on this disk cannot be what was written: something in its middle is damaged or missing. */
export class LogDamagedError extends Error {
  override readonly name = 'LogDamagedError';
}
