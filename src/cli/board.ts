import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiServers } from '../bootstrap/api-servers.ts';
import { type BoardConfig, loadBoardConfig } from '../bootstrap/board-config.ts';
import { type BoardFiles, boardFiles, keyPair } from '../bootstrap/board-files.ts';
import { configFromFiles } from '../client/credentials.ts';
import { createHttpApiClient, type HttpApiClient } from '../client/http-api-client.ts';
import type { Log } from '../host/log.ts';
import { findOwnAddress } from '../host/own-address.ts';
import { publicKeyHash } from '../host/pki.ts';

/** The board that this process runs on. */
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

/** A client of the API server on this control board, with one of the board's own certificates. */
export function localClient(board: Board, identity: string, userAgent: string): HttpApiClient {
  const pair = keyPair(board.files, identity);
  const config = configFromFiles({
    servers: [LOCAL_API],
    caFile: join(board.files.pki, 'ca.crt'),
    certFile: pair.cert,
    keyFile: pair.key,
  });
  return createHttpApiClient({ config, userAgent, log: board.log });
}

/** The API servers that this board's agent knows; a control board asks its own first. */
export async function openApiServers(board: Board): Promise<ApiServers> {
  const { config, files, address, log } = board;
  const caHash = publicKeyHash(readFileSync(join(files.pki, 'ca.crt')));
  const floating = config.apiAddress === undefined ? [] : [`https://${config.apiAddress}:${API_PORT}`];
  const first = config.role === 'control' ? [LOCAL_API, ...floating] : floating;
  const servers = new ApiServers({ path: files.apiServers, caHash, ownAddress: address, first, log });
  await servers.load();
  return servers;
}

/** A client as this board's Node, of whichever API server answers. */
export function nodeClient(board: Board, servers: ApiServers): HttpApiClient {
  const pair = keyPair(board.files, 'kubelet-client');
  const config = configFromFiles({
    servers: servers.urls(),
    caFile: join(board.files.pki, 'ca.crt'),
    certFile: pair.cert,
    keyFile: pair.key,
  });
  const refreshServers = async (): Promise<readonly string[]> => servers.urls();
  return createHttpApiClient({ config, refreshServers, userAgent: 'bramble-agent/v1.36.0', log: board.log });
}
