import { setTimeout as sleep } from 'node:timers/promises';
import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import type { Log } from '../host/log.ts';
import type { EtcdClient } from '../store/client/etcd-client.ts';
import { EtcdError } from '../store/etcd-api/etcd-error.ts';
import type { Member } from '../store/etcd-api/cluster.ts';

/** How this board's store member came to be. Written once, before the member first starts. */
export interface StoreMember {
  /** `new` on the founder, `existing` on whoever joined it (etcd's --initial-cluster-state). */
  readonly state: 'new' | 'existing';
  readonly peerUrl: string;
  readonly clientUrl: string;
  /** All members as they were then, this one included. */
  readonly initialCluster: readonly { readonly name: string; readonly peerUrl: string }[];
  /** Where the other members serve clients; empty on the founder. */
  readonly otherClientUrls: readonly string[];
}

interface Self {
  readonly name: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
}

export function founderMember({ name, peerUrl, clientUrl }: Self): StoreMember {
  return { state: 'new', peerUrl, clientUrl, initialCluster: [{ name, peerUrl }], otherClientUrls: [] };
}

/** Undefined until this board has founded or joined a store. */
export async function readStoreMember(path: string): Promise<StoreMember | undefined> {
  const text = await readFileIfThere(path);
  return text === undefined ? undefined : (JSON.parse(text) as StoreMember);
}

export async function writeStoreMember(path: string, member: StoreMember): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(member)}\n`);
}

/** How long a member of the same name may take to show that it lives. */
const ALIVE_MS = 2_000;

/**
 * Adds this board's member as a learner. A dead member of the same name, from an earlier life of this board, is taken
 * out first: its log is gone, and a member must never come back without what it has promised.
 * @throws Error when a living member has this name: two boards are named the same
 */
export async function joinStore(etcd: EtcdClient, self: Self, signal: AbortSignal): Promise<StoreMember> {
  const members = await etcd.memberList({ signal });
  for (const old of members.filter((one) => one.name === self.name || one.peerUrls.includes(self.peerUrl))) {
    if (await isAlive(etcd, old, self, signal))
      throw new Error(
        `another board named '${self.name}' is a running member of the store, at ${old.clientUrls.join(', ')}`,
      );
    await etcd.memberRemove(old.id, { signal });
  }
  const { members: now } = await etcd.memberAdd({ peerUrls: [self.peerUrl], isLearner: true }, { signal });
  return {
    state: 'existing',
    peerUrl: self.peerUrl,
    clientUrl: self.clientUrl,
    initialCluster: now.map((one) => ({
      name: one.peerUrls.includes(self.peerUrl) ? self.name : one.name,
      peerUrl: one.peerUrls[0] ?? '',
    })),
    otherClientUrls: now.flatMap((one) => (one.peerUrls.includes(self.peerUrl) ? [] : one.clientUrls)),
  };
}

async function isAlive(etcd: EtcdClient, member: Member, self: Self, signal: AbortSignal): Promise<boolean> {
  const elsewhere = member.clientUrls.filter((url) => url !== self.clientUrl);
  for (const url of elsewhere) {
    const status = await etcd.status(url, { signal, timeoutMs: ALIVE_MS }).catch(() => undefined);
    if (status !== undefined) return true;
  }
  return false;
}

const PROMOTE_AGAIN_MS = 300;

/** Asks until this board's learner votes: it may as soon as it has caught up. At once done on a member that votes. */
export async function promoteWhenReady(
  etcd: EtcdClient,
  peerUrl: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let said = '';
  for (;;) {
    try {
      const own = (await etcd.memberList({ signal })).find((one) => one.peerUrls.includes(peerUrl));
      if (own === undefined) throw new Error('this board is no member of the store any more');
      if (!own.isLearner) return;
      await etcd.memberPromote(own.id, { signal });
      log.info('the store member votes now');
      return;
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      if (!(error instanceof EtcdError && error.reason === 'LearnerNotReady') && why !== said) {
        log.warn('waiting for the store to take this member', { why });
        said = why;
      }
    }
    await sleep(PROMOTE_AGAIN_MS, undefined, { signal });
  }
}
