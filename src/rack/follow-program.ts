import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RackError } from './rack-error.ts';

/** Last lines of a program kept for the message, should it fail. */
const TAIL_LINES = 15;

/**
 * Runs a program that takes long, and tells each line of its outputs as it appears. An abort ends it by SIGTERM, and so
 * does the death of this process, however it dies.
 * @throws RackError with its last lines when it does not end with code 0
 */
export async function followProgram(
  argv: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  // SIGTERM and not SIGKILL: nspawn and mmdebstrap have something to clear up.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...argv], {
    signal,
    killSignal: 'SIGTERM',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.withResolvers<number | null>();
  child.on('error', () => undefined); // of an abort: its end is waited for all the same
  child.on('close', ended.resolve);
  const tail: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      onLine(line);
    });
  }
  const code = await ended.promise;
  signal.throwIfAborted();
  if (code !== 0) throw new RackError(`${argv[0]} ended with code ${code}:\n${tail.join('\n')}`);
}
