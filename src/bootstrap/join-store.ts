import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from '../api/error-text.ts';
import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import type { Log } from '../host/log.ts';
import type { EtcdClient } from '../store/client/etcd-client.ts';
import type { Member } from '../store/etcd-api/cluster.ts';

/** How this board's store member came to be, as it was before the member first started; but for `otherClientUrls`. */
export interface StoreMember {
  /** `new` on the founder, `existing` on whoever joined it (etcd's --initial-cluster-state). */
  readonly state: 'new' | 'existing';
  readonly peerUrl: string;
  readonly clientUrl: string;
  /** All members as they were then, this one included. */
  readonly initialCluster: readonly { readonly name: string; readonly peerUrl: string }[];
  /** Where the other members serve clients, as known last; empty on the founder until others have joined. */
  readonly otherClientUrls: readonly string[];
}

interface Self {
  readonly name: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
}

/** The first member: a store of its own, which others join. */
export function founderMember({ name, peerUrl, clientUrl }: Self): StoreMember {
  return { state: 'new', peerUrl, clientUrl, initialCluster: [{ name, peerUrl }], otherClientUrls: [] };
}

/** Undefined until this board has founded or joined a store. */
export async function readStoreMember(path: string): Promise<StoreMember | undefined> {
  const text = await readFileIfThere(path);
  return text === undefined ? undefined : (JSON.parse(text) as StoreMember);
}

/** Remembers for later starts how this member came to its store. */
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
    // One that has not started yet has no name, and nothing that could be asked of it.
    initialCluster: now
      .map((one) => ({
        name: one.peerUrls.includes(self.peerUrl) ? self.name : one.name,
        peerUrl: one.peerUrls[0] ?? '',
      }))
      .filter(({ name }) => name !== ''),
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

/**
 * Settles when this board's member votes, by its own linearizable word: at its start it may not have heard yet that it
 * only learns. A learner is promoted, by way of the others, as soon as it has caught up.
 */
export async function promoteWhenReady(
  clients: { readonly local: EtcdClient; readonly others: EtcdClient | undefined },
  peerUrl: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const { local, others } = clients;
  let said = '';
  for (;;) {
    let why: string | undefined = 'it learns still';
    try {
      if (await isVoter(local, peerUrl, signal)) return;
    } catch (error) {
      signal.throwIfAborted();
      why = errorText(error);
    }
    if (others !== undefined) why = await promote(others, peerUrl, signal);
    if (why === undefined) log.info('the store member votes now');
    else if (why !== said) log.info('the store member does not vote yet', { why });
    said = why ?? '';
    await sleep(PROMOTE_AGAIN_MS, undefined, { signal });
  }
}

async function isVoter(etcd: EtcdClient, peerUrl: string, signal: AbortSignal): Promise<boolean> {
  const own = (await etcd.memberList({ signal })).find((one) => one.peerUrls.includes(peerUrl));
  if (own === undefined) throw new Error('this board is no member of the store any more');
  return !own.isLearner;
}

/** Why this board's member could not be promoted; undefined when it was, or voted already. */
async function promote(others: EtcdClient, peerUrl: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const own = (await others.memberList({ signal })).find((one) => one.peerUrls.includes(peerUrl));
    if (own === undefined) return 'this board is no member of the store any more';
    if (!own.isLearner) return 'it has not heard of it yet';
    await others.memberPromote(own.id, { signal });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return errorText(error);
  }
}
