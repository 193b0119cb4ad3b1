import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BoardConfig, loadBoardConfig } from '../bootstrap/board-config.ts';
import { type BoardFiles, boardFiles } from '../bootstrap/board-files.ts';
import type { Log } from '../host/log.ts';
import { findOwnAddress } from '../host/own-address.ts';

/** The board that this process runs on. No clients here: the store has none, and would have their code in memory. */
export interface Board {
  readonly config: BoardConfig;
  readonly files: BoardFiles;
  readonly address: string;
  readonly interfaceName: string;
  readonly log: Log;
}

export const API_PORT = 6443;
export const LOCAL_API = `https://127.0.0.1:${API_PORT}`;

const ADDRESS_AGAIN_MS = 1_000;

/** Reads the board's configuration and waits until it has an address. */
export async function openBoard(log: Log, signal: AbortSignal): Promise<Board> {
  const files = boardFiles();
  const config = await loadBoardConfig(files.config);
  for (let said = false; ; said = true) {
    const own = await findOwnAddress(config.interfaceName);
    if (own !== undefined)
      return { config, files, log, interfaceName: own.interfaceName, address: config.nodeAddress ?? own.address };
    if (!said) log.warn('this board has no IPv4 address yet: waiting for one');
    await sleep(ADDRESS_AGAIN_MS, undefined, { signal });
  }
}

/** A name for this process among the candidates for a lease: a restarted process is another. */
export function processIdentity(board: Board): string {
  return `${board.config.name}_${randomBytes(8).toString('hex')}`;
}
