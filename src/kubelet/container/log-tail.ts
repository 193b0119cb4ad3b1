import { open } from 'node:fs/promises';

/** Room for the time, stream and tag that CRI writes before each line. */
const PREFIX_BYTES = 64;

/**
 * The last lines that a container wrote, without CRI's prefix; empty when there is no log.
 *
 * @param bytesMax of the result, cut at its beginning
 */
export async function tailLog(path: string, linesMax: number, bytesMax: number): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, bytesMax + linesMax * PREFIX_BYTES);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
      if (length < size) lines.shift(); // begins in the middle of a line
      const text = joinLines(lines.slice(-linesMax - 1));
      return Buffer.byteLength(text) <= bytesMax ? text : Buffer.from(text).subarray(-bytesMax).toString('utf8');
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

/** `<time> <stream> <F|P> <text>`: P is a part of a line that goes on. */
function joinLines(lines: readonly string[]): string {
  return lines
    .map((line) => /^\S+ (?:stdout|stderr) (\S+) (.*)$/.exec(line))
    .map((match) => (match === null ? '' : `${match[2] ?? ''}${match[1]?.startsWith('P') ? '' : '\n'}`))
    .join('');
}
