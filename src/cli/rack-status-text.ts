import type { Layout } from '../rack/layout.ts';
import type { BoardStatus, MemberStatus } from '../rack/rack-status.ts';
import { table } from './table.ts';

/** What `rack status` prints: boards with the memory of their parts, then the store's members. */
export function rackStatusText(
  layout: Layout,
  boards: readonly BoardStatus[],
  members: readonly MemberStatus[],
): string {
  const boardRows = boards.map(({ board, isPlugged, system, parts }) => [
    board.name,
    board.role,
    board.address,
    isPlugged ? 'in' : 'OUT',
    isPlugged ? system : '-',
    parts.map(({ name, rssMib }) => `${name} ${rssMib}`).join(', ') || '-',
  ]);
  const memberRows = members.map(({ name, endpoint, role, term, index }) => [
    name,
    role,
    endpoint,
    index === 0 ? 'no answer' : `term ${term}, index ${index}`,
  ]);
  return [
    table(['BOARD', 'ROLE', 'ADDRESS', 'PLUG', 'SYSTEM', 'MEMORY (RSS, MiB)'], boardRows),
    '',
    members.length === 0 ? 'No store member answers.' : table(['STORE MEMBER', 'RAFT', 'ENDPOINT', 'LOG'], memberRows),
    '',
    `Kubernetes API: https://${layout.apiAddress}:6443 (floating)`,
  ].join('\n');
}
