import { join } from 'node:path';
import { keyPair } from '../bootstrap/board-files.ts';
import { configFromFiles } from '../client/credentials.ts';
import { createHttpApiClient, type HttpApiClient } from '../client/http-api-client.ts';
import { type Board, LOCAL_API } from './board.ts';

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
