import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { RackError } from './rack-error.ts';

/** Last lines of a program kept for the message, should it fail. */
const TAIL_LINES = 15;

/**
 * Runs a program that takes long, and tells each line of its outputs as it appears. An abort kills it.
 * @throws RackError with its last lines when it does not end with code 0
 */
export async function followProgram(
  argv: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, { signal, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] });
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      onLine(line);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  signal.throwIfAborted();
  if (code !== 0) throw new RackError(`${program} ended with code ${code}:\n${tail.join('\n')}`);
}
