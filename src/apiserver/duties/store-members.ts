import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { EtcdClient } from '../../store/client/etcd-client.ts';

const LOOK_MS = 30_000;
const RETRY_MS = 2000;

export interface StoreMembersOptions {
  readonly client: Pick<EtcdClient, 'memberList' | 'setFurtherEndpoints'>;
  /** Where the member that the given endpoint leads to serves clients; it needs no second way to itself. */
  readonly ownUrl: string;
  /** Told of the others' client URLs, when they are not those told last. */
  readonly onChange: (urls: readonly string[]) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Keeps the client's endpoints those of the store's members, the given ones first: a member that repairs itself or only
 * learns takes its API server down with it otherwise (etcd clientv3's AutoSync).
 */
export async function runStoreMembers(options: StoreMembersOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log } = options;
  let told: string | undefined;
  while (!signal.aborted) {
    let pauseMs = LOOK_MS;
    try {
      const { urls, isWhole } = await otherUrls(options, signal);
      client.setFurtherEndpoints(urls);
      if (!isWhole) pauseMs = RETRY_MS;
      if (urls.join() !== told) options.onChange(urls);
      told = urls.join();
    } catch (error) {
      if (signal.aborted) return;
      log.debug('the members of the store are not to be had', { error });
      pauseMs = RETRY_MS;
    }
    await clock.sleepMs(pauseMs, signal).catch(() => undefined); // rejects only when aborted
  }
}

/** One URL of each other member that votes: a learner could not answer. Not whole: some have not said theirs yet. */
async function otherUrls(
  { client, ownUrl }: Pick<StoreMembersOptions, 'client' | 'ownUrl'>,
  signal: AbortSignal,
): Promise<{ readonly urls: string[]; readonly isWhole: boolean }> {
  const members = await client.memberList({ signal });
  const others = members.filter(({ isLearner, clientUrls }) => !isLearner && !clientUrls.includes(ownUrl));
  const urls = others.flatMap(({ clientUrls }) => clientUrls.slice(0, 1)).sort();
  return { urls, isWhole: urls.length === others.length };
}
