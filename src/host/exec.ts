import { spawn } from 'node:child_process';

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface ExecOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** More output than this of either kind ends the program: nothing we run says more. */
const OUTPUT_BYTES_MAX = 64 << 20;
const TIMEOUT_MS = 30_000;

/** A program that could not be started, was killed, or ended with another code than 0. */
export class ExecError extends Error {
  override readonly name = 'ExecError';
  readonly result: ExecResult;

  constructor(argv: readonly string[], result: ExecResult) {
    const why = result.stderr.trim().split('\n').slice(0, 3).join('; ');
    super(`${argv[0]} ${argv[1] ?? ''} ended with ${result.code}${why === '' ? '' : `: ${why}`}`);
    this.result = result;
  }
}

/** Runs a program to its end, without a shell. @throws ExecError when it does not end with code 0 */
export async function exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const result = await execAny(argv, options);
  if (result.code !== 0) throw new ExecError(argv, result);
  return result;
}

/** As exec, but gives the result whatever the code is. 127: no such program, 137: killed or out of time. */
export function execAny(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const [program = '', ...rest] = argv;
  const { promise, resolve } = Promise.withResolvers<ExecResult>();
  const limit = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const signal = options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]);
  const child = spawn(program, rest, {
    signal,
    killSignal: 'SIGKILL',
    env: { ...process.env, ...options.env },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const outputs: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  let bytes = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > OUTPUT_BYTES_MAX) child.kill('SIGKILL');
      else outputs[name].push(chunk);
    });
  }
  const end = (code: number, extra = ''): void =>
    resolve({
      code,
      stdout: Buffer.concat(outputs.stdout).toString('utf8'),
      stderr: Buffer.concat(outputs.stderr).toString('utf8') + extra,
    });
  child.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ENOENT' ? 127 : 137, error.message));
  child.on('close', (code) => end(code ?? 137));
  child.stdin?.on('error', () => undefined); // a program that does not read its input is not our failure
  child.stdin?.end(options.input);
  return promise;
}
