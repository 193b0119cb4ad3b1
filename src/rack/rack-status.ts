import { setTimeout as sleep } from 'node:timers/promises';
import { execOnBoard } from './board-exec.ts';
import type { Board, Layout } from './layout.ts';
import { RackError } from './rack-error.ts';
import type { RackPaths } from './rack-paths.ts';

/** A process of ours on a board. */
export interface PartStatus {
  readonly name: string;
  /** Resident memory in MiB. */
  readonly rssMib: number;
}

/** What a look at one board tells. */
export interface BoardStatus {
  readonly board: Board;
  readonly isPlugged: boolean;
  /** systemd's word: running, degraded, starting... */
  readonly system: string;
  readonly parts: readonly PartStatus[];
}

/** One Raft member as the store tells it. */
export interface MemberStatus {
  readonly name: string;
  readonly endpoint: string;
  readonly role: 'leader' | 'follower' | 'learner';
  readonly term: number;
  readonly index: number;
}

const LOOK = 'systemctl is-system-running; ps -ww -eo rss=,args=';
const PKI = '/var/lib/bramble/pki';
const LOOK_TIMEOUT_MS = 8_000;
const VOTERS_TIMEOUT_MS = 300_000;
const VOTERS_POLL_MS = 500;

/** Looks at every board; one that does not answer is reported as such. */
export async function boardStatuses(paths: RackPaths, layout: Layout, signal: AbortSignal): Promise<BoardStatus[]> {
  return Promise.all(
    layout.boards.map(async (board) => {
      const options = { timeoutMs: LOOK_TIMEOUT_MS, signal };
      const look = await execOnBoard(paths, board.name, ['sh', '-c', LOOK], options).catch(() => null);
      if (look === null) return { board, isPlugged: false, system: '', parts: [] };
      const [system = '', ...processes] = look.stdout.split('\n');
      return { board, isPlugged: true, system, parts: processes.map(parsePart).filter((part) => part !== null) };
    }),
  );
}

/** Asks the store for its members through the first control board that answers; empty when none does. */
export async function storeMembers(paths: RackPaths, layout: Layout, signal: AbortSignal): Promise<MemberStatus[]> {
  const client = `--cacert=${PKI}/store-ca.crt --cert=${PKI}/store-client.crt --key=${PKI}/store-client.key`.split(' ');
  const common = [
    'etcdctl',
    '--endpoints=https://127.0.0.1:2379',
    ...client,
    '--command-timeout=3s',
    '--write-out=json',
  ];
  const options = { timeoutMs: LOOK_TIMEOUT_MS, signal };
  for (const { name, role } of layout.boards) {
    if (role !== 'control') continue;
    const run = (argv: readonly string[]): Promise<string> =>
      execOnBoard(paths, name, [...common, ...argv], options).then(
        ({ stdout }) => stdout,
        () => '',
      );
    const members = await run(['member', 'list']);
    if (members === '') continue;
    return parseMembers(members, await run(['endpoint', 'status', '--cluster']));
  }
  return [];
}

/**
 * Waits until every control board's store member votes: before that, a pulled plug could take the store with it.
 *
 * @throws RackError that says how far it got
 */
export async function waitForVoters(
  paths: RackPaths,
  layout: Layout,
  onProgress: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const wanted = layout.boards.filter(({ role }) => role === 'control').length;
  const deadlineMs = performance.now() + VOTERS_TIMEOUT_MS;
  for (;;) {
    const members = await storeMembers(paths, layout, signal);
    const voters = members.filter(({ role, index }) => role !== 'learner' && index > 0).length;
    if (voters === wanted) return;
    onProgress(`${voters} of ${wanted}`);
    if (performance.now() > deadlineMs) {
      const missing = members.filter(({ role, index }) => role === 'learner' || index === 0);
      const names = missing.map(({ name, endpoint }) => name || endpoint || 'one that never started').join(' ');
      throw new RackError(`only ${voters} of ${wanted} store members vote; not: ${names}; see npm run rack -- status`);
    }
    await sleep(VOTERS_POLL_MS, undefined, { signal });
  }
}

/** Joins etcdctl's list of members and their status; a member that says nothing has term and index 0. */
export function parseMembers(memberList: string, statusList: string): MemberStatus[] {
  const { members } = JSON.parse(memberList) as {
    members: { ID: number; name?: string; clientURLs?: string[]; isLearner?: boolean }[];
  };
  const statuses = (statusList === '' ? [] : JSON.parse(statusList)) as {
    Endpoint: string;
    Status: { leader?: number; raftTerm?: number; raftIndex?: number; header: { member_id: number } };
  }[];
  return members.map(({ ID, name = '', clientURLs = [], isLearner = false }) => {
    const status = statuses.find(({ Endpoint }) => clientURLs.includes(Endpoint))?.Status;
    const isLeader = statuses.some(({ Status }) => Status.leader === ID);
    const role = isLearner ? 'learner' : isLeader ? 'leader' : 'follower';
    return { name, endpoint: clientURLs[0] ?? '', role, term: status?.raftTerm ?? 0, index: status?.raftIndex ?? 0 };
  });
}

/** Reads a line of ps; null when the process is none of ours. */
export function parsePart(line: string): PartStatus | null {
  const match =
    /^\s*(\d+)\s.*(?:\/opt\/bramble\/(?:dist\/)?src\/main\.[jt]s)\s+(\S+)|^\s*(\d+)\s+(\S*containerd)(?:\s|$)/.exec(
      line,
    );
  if (match === null) return null;
  const [, rss = match[3] ?? '0', name = match[4]?.replace(/^.*\//, '') ?? ''] = match;
  return { name, rssMib: Math.round(Number(rss) / 1024) };
}
