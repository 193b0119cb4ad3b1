import { loadBoardConfig } from '../bootstrap/board-config.ts';
import { boardFiles } from '../bootstrap/board-files.ts';
import { runJoin } from '../bootstrap/join.ts';
import { identity } from '../client/credentials.ts';
import { createHttpApiClient } from '../client/http-api-client.ts';
import type { Log } from '../host/log.ts';

/** Founds or joins the cluster, and leaves on disk what the other parts need. */
export async function runJoinPart(log: Log, signal: AbortSignal): Promise<void> {
  const files = boardFiles();
  const config = await loadBoardConfig(files.config);
  await runJoin({ config, files, openClient, log }, signal);
}

/** Opens a client with a bootstrap token on a server that has proved to be the cluster's. */
const openClient: Parameters<typeof runJoin>[0]['openClient'] = ({ address, port, caPem }, token) =>
  createHttpApiClient({
    config: {
      servers: [`https://${address}:${port}`],
      files: [],
      load: async () =>
        identity({
          ca: caPem,
          token,
          cert: undefined,
          key: undefined,
          serverName: undefined,
          insecureSkipVerify: undefined,
        }),
    },
    userAgent: 'bramble-join/v1.36.0',
  });
