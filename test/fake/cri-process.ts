import { spawn } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { StatusError } from '../../src/api/status.ts';
import type { ExecSyncResult } from '../../src/host/cri/cri.ts';
import type { FakeProcess, Launcher } from './cri.ts';

/** Runs a container's command as a process of this machine, without any walls: for the contract suite. */
export const hostProcess: Launcher = (config, logPath) => {
  const [program = 'true', ...args] = [...config.command, ...config.args];
  const env = { PATH: '/usr/bin:/bin', ...Object.fromEntries(config.envs.map(({ key, value }) => [key, value])) };
  const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let writing = Promise.resolve();
  const write = (stream: string) => (chunk: Buffer) => {
    const lines = chunk.toString('utf8').split('\n').slice(0, -1);
    const text = lines.map((line) => `${new Date().toISOString()} ${stream} F ${line}\n`).join('');
    writing = writing.then(async () => appendFile(logPath, text));
  };
  child.stdout.on('data', write('stdout'));
  child.stderr.on('data', write('stderr'));
  const { promise, resolve } = Promise.withResolvers<{ exitCode: number; output: string }>();
  child.on('exit', (code, signal) => {
    const exitCode = code ?? (signal === 'SIGTERM' ? 143 : 137);
    void writing.then(() => resolve({ exitCode, output: '' }));
  });
  const kill = (signal: 'SIGTERM' | 'SIGKILL'): void => {
    if (child.pid === undefined) return;
    try {
      // SIGKILL takes the whole group along, as the end of a container does.
      process.kill(signal === 'SIGKILL' ? -child.pid : child.pid, signal);
    } catch {
      // it has ended by itself
    }
  };
  return { ended: promise.finally(() => kill('SIGKILL')), kill, exec: runCommand };
};

async function runCommand(command: readonly string[], timeoutMs: number): Promise<ExecSyncResult> {
  const [program = 'true', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout.on('data', (chunk: Buffer) => output.stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.stderr.push(chunk));
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    reject(new StatusError('Timeout', `rpc error: code = DeadlineExceeded desc = timeout ${timeoutMs}ms exceeded`));
  }, timeoutMs);
  child.on('close', (code) => {
    clearTimeout(timer);
    resolve(code ?? 137);
  });
  const exitCode = await promise;
  return { exitCode, stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr) };
}

/** A process that ends when the test says so, or at SIGTERM with code 0 unless it is stubborn. */
export interface ManualProcess extends FakeProcess {
  readonly name: string;
  finish(exitCode: number): void;
  isStubborn: boolean;
}

/** A launcher of processes that a test ends by hand, and all that it launched. */
export function manualProcesses(): { readonly launch: Launcher; readonly launched: ManualProcess[] } {
  const launched: ManualProcess[] = [];
  const launch: Launcher = (config) => {
    const { promise, resolve } = Promise.withResolvers<{ exitCode: number; output: string }>();
    const made: ManualProcess = {
      name: config.metadata.name,
      isStubborn: false,
      ended: promise,
      finish: (exitCode) => resolve({ exitCode, output: '' }),
      kill(signal) {
        if (signal === 'SIGKILL') resolve({ exitCode: 137, output: '' });
        else if (!made.isStubborn) resolve({ exitCode: 0, output: '' });
      },
      // `fail` is the one command that fails.
      exec: async ([program]) => ({
        exitCode: program === 'fail' ? 1 : 0,
        stdout: Buffer.alloc(0),
        stderr: Buffer.alloc(0),
      }),
    };
    launched.push(made);
    return made;
  };
  return { launch, launched };
}
