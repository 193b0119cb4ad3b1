import type { ClientTls } from '../host/grpc/grpc-connection.ts';
import { GrpcChannel } from '../host/grpc/grpc-channel.ts';
import type { Disk } from '../host/disk.ts';
import type { Log } from '../host/log.ts';
import { clusterIdOf, foundingId } from './member-info.ts';
import type { MemberInfo } from './member-info.ts';
import { foundMember, joinMember, readIdentity } from './open-member.ts';
import type { Identity } from './open-member.ts';
import { PEER } from './peer/peer-api.ts';
import type { ClusterInfo } from './peer/peer-api.ts';

/** How a member comes to be on a blank disk; as etcd's flags of these names. */
export interface FirstStartOptions {
  readonly name: string;
  readonly advertisePeerUrls: readonly string[];
  /** `name=peerUrl` of each member, separated by commas: of `existing`, those to ask; of `new`, the founders. */
  readonly initialCluster: string;
  readonly initialClusterState: 'new' | 'existing';
  readonly initialClusterToken: string;
}

const RETRY_MS = 1000;
const ASK_TIMEOUT_MS = 3000;

/** Who this member is: as its disk says, or by founding or joining. Waits as long as no member can be asked. */
export async function firstStart(
  disk: Disk,
  options: FirstStartOptions,
  tls: (() => ClientTls) | undefined,
  log: Log,
  signal: AbortSignal,
): Promise<Identity> {
  const known = await readIdentity(disk);
  if (known !== undefined) return known;
  if (options.initialClusterState === 'new') {
    await refuseAmnesia(options, tls, signal);
    return found(disk, options);
  }
  const identity = await askForIdentity(options, tls, log, signal);
  await joinMember(disk, identity);
  log.info('joining the cluster', { clusterId: identity.clusterId, memberId: identity.memberId });
  return identity;
}

async function found(disk: Disk, options: FirstStartOptions): Promise<Identity> {
  const { name, advertisePeerUrls, initialClusterToken } = options;
  const founders = parseCluster(options.initialCluster).map(({ name: founder, peerUrls }) => ({
    id: foundingId(peerUrls.join(), initialClusterToken),
    name: founder,
    peerUrls,
    clientUrls: [],
  }));
  const own = founders.find((founder) => founder.name === name);
  if (own === undefined || own.peerUrls.join() !== advertisePeerUrls.join())
    throw new Error(
      `initialCluster must name "${name}" with its peer URLs "${advertisePeerUrls.join()}": got "${options.initialCluster}"`,
    );
  const identity = { clusterId: clusterIdOf(founders.map(({ id }) => id)), memberId: own.id };
  await foundMember(disk, identity, founders);
  return identity;
}

/** A founder whose disk was wiped must not found again. @throws Error if another founder knows that it has run */
async function refuseAmnesia(
  { initialCluster, advertisePeerUrls }: FirstStartOptions,
  tls: (() => ClientTls) | undefined,
  signal: AbortSignal,
): Promise<void> {
  const urls = parseCluster(initialCluster).flatMap(({ peerUrls }) => peerUrls);
  const others = urls.filter((url) => !advertisePeerUrls.includes(url));
  const answers = await Promise.all(others.map((url) => askMember(url, tls, signal).catch(() => undefined)));
  for (const info of answers) {
    const own = info === undefined ? undefined : findOwn(info, advertisePeerUrls);
    if (own !== undefined && hasRun(own)) throw new Error(AMNESIA);
  }
}

async function askForIdentity(
  { initialCluster, advertisePeerUrls }: FirstStartOptions,
  tls: (() => ClientTls) | undefined,
  log: Log,
  signal: AbortSignal,
): Promise<Identity> {
  const urls = parseCluster(initialCluster).flatMap(({ peerUrls }) => peerUrls);
  const others = urls.filter((url) => !advertisePeerUrls.includes(url));
  for (;;) {
    for (const url of others) {
      const info = await askMember(url, tls, signal).catch((error: unknown) => {
        log.warn('a member could not be asked', { url, reason: String(error) });
        return undefined;
      });
      if (info === undefined) continue;
      const own = findOwn(info, advertisePeerUrls);
      if (own === undefined) log.warn('the cluster does not have this member', { url, peerUrls: advertisePeerUrls });
      else if (hasRun(own)) log.warn(AMNESIA, { url, member: own.id.toString(16) });
      else return { clusterId: info.clusterId, memberId: own.id, contacts: info.members };
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
    signal.throwIfAborted();
  }
}

/** A member with this id has voted and acknowledged; one that forgot it all could do so again, against itself. */
const AMNESIA = 'this member has run before, and its disk is blank: remove it from the cluster and add it again';

function findOwn({ members }: ClusterInfo, peerUrls: readonly string[]): MemberInfo | undefined {
  return members.find((member) => member.peerUrls.some((url) => peerUrls.includes(url)));
}

/** A member tells where its clients find it as soon as it runs (etcd calls this bootstrapped). */
function hasRun({ clientUrls }: MemberInfo): boolean {
  return clientUrls.length > 0;
}

/** Asks a member at its peer URL who it is and whom it knows. @throws GrpcError */
export async function askMember(
  url: string,
  tls: (() => ClientTls) | undefined,
  signal: AbortSignal,
): Promise<ClusterInfo> {
  const channel = new GrpcChannel({ url, ...(tls === undefined ? {} : { tls }), connectTimeoutMs: ASK_TIMEOUT_MS });
  try {
    return await channel.unary(PEER.info, {}, { signal, timeoutMs: ASK_TIMEOUT_MS });
  } finally {
    channel.close();
  }
}

/** `a=url,b=url,b=url2` by name. @throws Error on anything else */
export function parseCluster(text: string): { name: string; peerUrls: string[] }[] {
  const byName = new Map<string, string[]>();
  for (const part of text.split(',').filter((one) => one !== '')) {
    const at = part.indexOf('=');
    const url = part.slice(at + 1);
    if (at < 1 || !URL.canParse(url)) throw new Error(`initialCluster must be name=url,...: got "${text}"`);
    const urls = byName.get(part.slice(0, at)) ?? [];
    urls.push(url);
    byName.set(part.slice(0, at), urls);
  }
  return [...byName].map(([name, peerUrls]) => ({ name, peerUrls }));
}
