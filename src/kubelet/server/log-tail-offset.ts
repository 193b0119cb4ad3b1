import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * Where the last `lines` lines of a file begin, looked for from its end; a last line that is not finished counts.
 * Entries of the log, that is: a line longer than what the runtime writes at once is several.
 */
export async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines === 0) return size;
  const block = Buffer.alloc(Math.min(BLOCK_BYTES, size));
  let found = 0;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    let at = bytesRead;
    while (at > 0) {
      at = block.lastIndexOf(NEWLINE, at - 1);
      if (at < 0) break;
      // The newline at the very end closes the last line; it does not begin another.
      if (start + at !== size - 1) found += 1;
      if (found === lines) return start + at + 1;
      if (at === 0) break;
    }
    end = start;
  }
  return 0;
}
