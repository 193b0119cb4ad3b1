import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { EtcdClient } from '../../store/client/etcd-client.ts';
import { COMPARE_RESULT, COMPARE_TARGET } from '../../store/etcd-api/kv.ts';
import { operation, rangeOf } from '../storage/etcd-request.ts';

const KEY = Buffer.from('compact_rev_key');
/** Upstream's --etcd-compaction-interval: history, and so any watch or page, can be resumed for at least this long. */
const INTERVAL_MS = 300_000;
const NOTHING = Buffer.alloc(0);

interface Round {
  /** Version of the key that this server has seen last: whoever counts it up does this round's compaction. */
  readonly version: number;
  /** The store's revision then: what the next round compacts. */
  readonly revision: number;
}

/**
 * Forgets history older than one to two intervals, in kube-apiserver's protocol: of all API servers, ours or not, one
 * per interval does it (etcd3/compact.go).
 */
export async function runCompactor(client: EtcdClient, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  let round: Round = { version: 0, revision: 0 };
  while (!signal.aborted) {
    await clock.sleepMs(INTERVAL_MS, signal).catch(() => undefined); // rejects only when aborted
    if (signal.aborted) return;
    try {
      round = await compactOnce(client, round, signal);
    } catch (error) {
      if (!signal.aborted) log.warn('could not compact the store', { error });
    }
  }
}

/** One round; exported for its test. */
export async function compactOnce(
  client: EtcdClient,
  { version, revision }: Round,
  signal: AbortSignal,
): Promise<Round> {
  const put = {
    key: KEY,
    value: Buffer.from(String(revision)),
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  };
  const { succeeded, header, responses } = await client.txn(
    {
      compare: [
        {
          result: COMPARE_RESULT.equal,
          target: COMPARE_TARGET.version,
          key: KEY,
          version,
          createRevision: undefined,
          modRevision: undefined,
          value: undefined,
          lease: undefined,
          rangeEnd: NOTHING,
        },
      ],
      success: [operation({ requestPut: put })],
      failure: [operation({ requestRange: rangeOf(KEY) })],
    },
    { signal },
  );
  if (!succeeded) return { version: responses[0]?.responseRange?.kvs[0]?.version ?? 0, revision: header.revision };
  if (revision > 0) await client.compact(revision, { signal });
  return { version: version + 1, revision: header.revision };
}
