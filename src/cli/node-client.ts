import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiServers } from '../bootstrap/api-servers.ts';
import { keyPair } from '../bootstrap/board-files.ts';
import { configFromFiles } from '../client/credentials.ts';
import { createHttpApiClient, type HttpApiClient } from '../client/http-api-client.ts';
import { publicKeyHash } from '../host/pki.ts';
import { API_PORT, type Board, LOCAL_API } from './board.ts';

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
  // A control board's own server needs no other board: after a restart of it the agent goes back to it.
  const nearest = board.config.role === 'control' ? { nearest: LOCAL_API } : {};
  return createHttpApiClient({
    config,
    refreshServers,
    ...nearest,
    userAgent: 'bramble-agent/v1.36.0',
    log: board.log,
  });
}
