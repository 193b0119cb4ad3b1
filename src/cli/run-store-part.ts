import { join } from 'node:path';
import { STORE_ACCESS } from '../bootstrap/board-certificates.ts';
import { keyPair } from '../bootstrap/board-files.ts';
import { readStoreMember } from '../bootstrap/join-store.ts';
import { runStore } from '../store/run-store.ts';
import type { Board } from './board.ts';

/** The store's member of this control board, as `bramble join` has prepared it. */
export async function runStorePart(board: Board, signal: AbortSignal): Promise<void> {
  const { config, files, log } = board;
  const member = await readStoreMember(files.storeMember);
  if (member === undefined) throw new Error('this board is no member of a store yet: `bramble join` makes it one');
  const { host: peerHost } = new URL(member.peerUrl);
  const { host: clientHost } = new URL(member.clientUrl);
  const caFile = join(files.pki, 'store-ca.crt');
  const [server, peer] = [keyPair(files, 'store-server'), keyPair(files, 'store-peer')];
  await runStore(
    {
      name: config.name,
      dataDir: files.store,
      listenClientUrls: [`https://${clientHost}`, 'https://127.0.0.1:2379'],
      advertiseClientUrls: [member.clientUrl],
      listenPeerUrls: [`https://${peerHost}`],
      advertisePeerUrls: [member.peerUrl],
      initialCluster: member.initialCluster.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(','),
      initialClusterState: member.state,
      initialClusterToken: config.clusterName,
      listenMetricsUrls: ['http://127.0.0.1:2381'],
      clientTls: { caFile, certFile: server.cert, keyFile: server.key },
      peerTls: { caFile, certFile: peer.cert, keyFile: peer.key },
      ...STORE_ACCESS,
      log,
    },
    signal,
  );
}
