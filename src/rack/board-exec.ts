import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { boardInit } from './board.ts';
import { execAny } from '../host/exec.ts';
import type { ExecResult } from '../host/exec.ts';
import type { Board } from './layout.ts';
import { RackError } from './rack-error.ts';
import type { RackPaths } from './rack-paths.ts';

const ENVIRONMENT = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LC_ALL=C.UTF-8',
  'TERM=dumb',
];

/**
 * Runs a command as root on a board and gives what it said, whatever its exit code. Enters the board's namespaces, which
 * takes milliseconds and works without ssh.
 *
 * @throws RackError when the board's plug is out
 */
export async function execOnBoard(
  paths: RackPaths,
  board: string,
  argv: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number; readonly signal: AbortSignal },
): Promise<ExecResult> {
  return execAny(await enter(paths, board, argv), options);
}

/** As execOnBoard, but with this process's own input and outputs; gives the exit code. */
export async function attachToBoard(paths: RackPaths, board: string, argv: readonly string[]): Promise<number> {
  return runInherited(await enter(paths, board, argv));
}

/** Logs in to a board by ssh with this process's terminal, for a shell or one command; gives the exit code. */
export async function sshToBoard(paths: RackPaths, board: Board, argv: readonly string[]): Promise<number> {
  if ((await boardInit(paths, board.name)) === null) throw new RackError(`the plug of ${board.name} is out`);
  const command = argv.map((argument) => `'${argument.replaceAll("'", `'\\''`)}'`).join(' ');
  const options = ['-o', `UserKnownHostsFile=${join(paths.ssh, 'known_hosts')}`, '-o', 'StrictHostKeyChecking=yes'];
  const login = ['ssh', '-q', ...(process.stdin.isTTY ? ['-t'] : []), '-i', join(paths.ssh, 'id_ed25519'), ...options];
  return runInherited([...login, `root@${board.address}`, ...(command === '' ? [] : ['--', command])]);
}

async function enter(paths: RackPaths, board: string, argv: readonly string[]): Promise<string[]> {
  const init = await boardInit(paths, board);
  if (init === null) throw new RackError(`the plug of ${board} is out`);
  return ['nsenter', '--target', String(init), '--all', 'env', '-i', ...ENVIRONMENT, ...argv];
}

async function runInherited([program = '', ...rest]: readonly string[]): Promise<number> {
  const child = spawn(program, rest, { stdio: 'inherit' });
  // Ctrl-C is for what runs on the board; this process ends when that does.
  const ignore = (): undefined => undefined;
  process.on('SIGINT', ignore);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 137;
  } finally {
    process.off('SIGINT', ignore);
  }
}
