import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openDisk, syncFolder } from '../host/disk.ts';
import type { Disk } from '../host/disk.ts';
import { GrpcChannel } from '../host/grpc/grpc-channel.ts';
import type { ClientTls } from '../host/grpc/grpc-connection.ts';
import type { Log } from '../host/log.ts';
import { fromGrpcError, isEtcdReason } from './etcd-api/etcd-error.ts';
import type { Backend, MemberChange } from './backend.ts';
import { askMember, parseCluster } from './first-start.ts';
import { LogDamagedError } from './log/block.ts';
import { encodeMemberChange } from './membership-change.ts';
import { joinMember, readIdentity } from './open-member.ts';
import type { Identity } from './open-member.ts';
import { PEER } from './peer/peer-api.ts';
import type { ClusterInfo } from './peer/peer-api.ts';

/** What a repair needs to know of this member. */
export interface RepairOptions {
  readonly dataDir: string;
  readonly advertisePeerUrls: readonly string[];
  readonly initialCluster: string;
  readonly peerTls: (() => ClientTls) | undefined;
  readonly log: Log;
}

const MEMBER_FOLDER = 'member';
/** What was found damaged, until the member votes again; at most one. */
const DAMAGED_FOLDER = 'member.damaged';
const RETRY_MS = 1000;
const ASK_TIMEOUT_MS = 5000;

/** Whether a start failed because the disk does not hold what was written, or cannot give it back any more. */
export function isDamage(error: unknown): boolean {
  return error instanceof LogDamagedError || (error instanceof Error && 'code' in error && error.code === 'EIO');
}

/** Whether there is anybody who could have what this member has lost. */
export async function hasPeers(options: RepairOptions): Promise<boolean> {
  return (await peerUrls(options, MEMBER_FOLDER)).length > 0;
}

/**
 * Takes what is damaged out of the way: from here on this member has no vote and no word to keep, and `rejoin` must
 * follow, now or after a restart.
 */
export async function setAside(options: RepairOptions): Promise<void> {
  const { dataDir } = options;
  await dropSetAside(options);
  await rename(join(dataDir, MEMBER_FOLDER), join(dataDir, DAMAGED_FOLDER));
  await syncFolder(dataDir);
}

/** Whether a repair is under way: from `setAside` until `finishRepair` is through. */
export async function isRepairing({ dataDir }: RepairOptions): Promise<boolean> {
  return stat(join(dataDir, DAMAGED_FOLDER)).then(
    () => true,
    () => false,
  );
}

/**
 * Makes the blank disk that of a new member at the same addresses. What this member had promised is lost with its log,
 * so it must not come back under its old id, which would let it vote twice or forget what it acknowledged: the leader
 * removes that id first, and adds the new one as a learner, which has neither vote nor voice until it holds all that the
 * others hold (Raft thesis section 4.2). Each step may be repeated after a pulled plug. Waits as long as there is no
 * leader: a majority must live without this member.
 */
export async function rejoin(disk: Disk, options: RepairOptions, signal: AbortSignal): Promise<Identity> {
  const { log } = options;
  for (;;) {
    const urls = await peerUrls(options, DAMAGED_FOLDER);
    try {
      const { identity, isLearner } = await tryRejoin(urls, options, signal);
      await joinMember(disk, identity);
      // It had no vote, so it needs none again; and nothing that the others could lack.
      if (isLearner) await dropSetAside(options);
      log.warn('member added anew: what it had lost comes from the others', {
        clusterId: identity.clusterId,
        memberId: identity.memberId,
      });
      return identity;
    } catch (error) {
      signal.throwIfAborted();
      log.warn('the damaged member could not be added anew yet', { urls, reason: String(error) });
    }
    await wait(signal);
  }
}

/** If a repair is under way: has the member that was added anew promoted once it has caught up, then removes what was set aside. */
export async function finishRepair(member: Backend, options: RepairOptions, signal: AbortSignal): Promise<void> {
  const { log } = options;
  if (!(await isRepairing(options))) return;
  for (let said = ''; !signal.aborted; await wait(signal)) {
    const { memberId } = member.status;
    const own = member.members.find(({ id }) => id === memberId);
    if (own === undefined) continue; // nothing has come yet
    if (!own.isLearner) {
      await dropSetAside(options);
      log.info('repaired: the member votes again', { memberId: memberId.toString(16) });
      return;
    }
    const why = await member.changeMembers({ promote: memberId }).then(
      () => '',
      (error: unknown) => String(error),
    );
    if (why !== '' && why !== said) log.info('the repaired member does not vote yet', { reason: why });
    said = why;
  }
}

async function tryRejoin(
  urls: readonly string[],
  options: RepairOptions,
  signal: AbortSignal,
): Promise<{ readonly identity: Identity; readonly isLearner: boolean }> {
  const { advertisePeerUrls } = options;
  const lost = await lostIdentity(options);
  const info = await firstAnswer(urls, async (url) => askMember(url, options.peerTls, signal));
  if (lost !== undefined && lost.clusterId !== info.clusterId)
    throw new Error(`"${urls.join()}" are of another cluster: ${info.clusterId}, not ${lost.clusterId}`);
  const change = async (one: MemberChange): Promise<number> =>
    firstAnswer(urls, async (url) => askLeader(url, one, options, signal));
  const isOurs = (member: ClusterInfo['members'][number]): boolean =>
    member.id === lost?.memberId || member.peerUrls.some((url) => advertisePeerUrls.includes(url));
  const old = info.members.find(isOurs);
  // Added before the plug was pulled in the middle of this, and never run: that one can be had as it is.
  const isFresh = old !== undefined && old.id !== lost?.memberId && old.clientUrls.length === 0 && lost !== undefined;
  const { clusterId, learners } = info;
  const contacts = info.members.filter((member) => !isOurs(member));
  if (isFresh) return { identity: { clusterId, memberId: old.id, contacts }, isLearner: false };
  if (old !== undefined) await change({ remove: BigInt(old.id) });
  const memberId = await change({ add: old?.peerUrls ?? advertisePeerUrls, isLearner: true });
  return { identity: { clusterId, memberId, contacts }, isLearner: old !== undefined && learners.includes(old.id) };
}

async function dropSetAside({ dataDir }: RepairOptions): Promise<void> {
  await rm(join(dataDir, DAMAGED_FOLDER), { recursive: true, force: true });
}

async function askLeader(
  url: string,
  change: MemberChange,
  { peerTls }: RepairOptions,
  signal: AbortSignal,
): Promise<number> {
  const channel = new GrpcChannel({ url, ...(peerTls === undefined ? {} : { tls: peerTls }) });
  try {
    const request = { changeMembers: encodeMemberChange(change) };
    const { memberId } = await channel.unary(PEER.askLeader, request, { signal, timeoutMs: ASK_TIMEOUT_MS });
    return Number(memberId);
  } catch (error) {
    throw fromGrpcError(error);
  } finally {
    channel.close();
  }
}

/** Asks one after the other; an answer from a member that does not lead counts for nothing. @throws the last failure */
async function firstAnswer<T>(urls: readonly string[], ask: (url: string) => Promise<T>): Promise<T> {
  let last: unknown;
  for (const url of urls) {
    try {
      return await ask(url);
    } catch (error) {
      // What the leader refuses says more than who does not lead.
      if (last === undefined || !isEtcdReason(error, 'NotLeader')) last = error;
    }
  }
  throw last ?? new Error('there is nobody to ask');
}

/** The peer URLs of the others, from what this member knew last and what it was told first. */
async function peerUrls(options: RepairOptions, folder: string): Promise<string[]> {
  const { advertisePeerUrls, initialCluster, dataDir } = options;
  const known = await identityIn(join(dataDir, folder));
  const urls = [
    ...(known?.contacts ?? []).flatMap((one) => one.peerUrls.slice(0, 1)),
    ...parseCluster(initialCluster).flatMap((one) => one.peerUrls),
  ];
  return [...new Set(urls)].filter((url) => !advertisePeerUrls.includes(url));
}

async function lostIdentity({ dataDir }: RepairOptions): Promise<Identity | undefined> {
  return identityIn(join(dataDir, DAMAGED_FOLDER));
}

async function identityIn(folder: string): Promise<Identity | undefined> {
  return readIdentity(await openDisk(folder)).catch(() => undefined);
}

async function wait(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, RETRY_MS);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
