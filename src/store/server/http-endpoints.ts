import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Backend } from '../backend.ts';
import { ALARM_TYPE } from '../etcd-api/maintenance.ts';
import { STORE_VERSION } from './store-version.ts';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** What /metrics shows beside what the backend tells. */
export interface Measures {
  /** What a flush mostly takes at most, in milliseconds. */
  readonly flushMs: number;
  readonly appendedBytes: number;
  readonly entriesWaiting: number;
}

/** etcd's HTTP endpoints: /health, /livez, /readyz, /version, /metrics. Linearizable unless `serializable=true`. */
export function httpEndpoints(
  backend: Backend,
  measures: () => Measures,
): (request: Request, response: Response) => void {
  return (request, response) => {
    // Of whoever reaches the port, and some of them are none: `//`.
    const url = URL.parse(request.url ?? '/', 'http://store');
    if (url === null) return reply(response, 400, 'text/plain', '400 bad request\n');
    answer(backend, measures, url).then(
      ({ status, type, body }) => reply(response, status, type, body),
      (error: unknown) => reply(response, 503, 'application/json', health(String(error))),
    );
  };
}

function reply(response: Response, status: number, type: string, body: string): void {
  const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
  // Two overload sets that agree on this call.
  if ('stream' in response) response.writeHead(status, headers).end(body);
  else response.writeHead(status, headers).end(body);
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function answer(backend: Backend, measures: () => Measures, url: URL): Promise<Answer> {
  switch (url.pathname) {
    case '/version': {
      const versions = { etcdserver: STORE_VERSION, etcdcluster: '3.6.0', storage: '3.6.0' };
      return { status: 200, type: 'application/json', body: JSON.stringify(versions) };
    }
    case '/livez':
      return { status: 200, type: 'text/plain', body: 'ok\n' };
    case '/health':
    case '/readyz': {
      const reason = await unhealthy(backend, url);
      const status = reason === '' ? 200 : 503;
      if (url.pathname === '/health') return { status, type: 'application/json', body: health(reason) };
      return { status, type: 'text/plain', body: reason === '' ? 'ok\n' : `${reason}\n` };
    }
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4', body: metrics(backend, measures()) };
    default:
      return { status: 404, type: 'text/plain', body: '404 page not found\n' };
  }
}

/** Why the member is not healthy; empty when it is. */
async function unhealthy(backend: Backend, url: URL): Promise<string> {
  const excluded = url.searchParams.getAll('exclude');
  for (const { alarm } of backend.state.alarms) {
    const name = alarm === ALARM_TYPE.noSpace ? 'NOSPACE' : 'CORRUPT';
    if (!excluded.includes(name)) return `ALARM ${name}`;
  }
  if (url.searchParams.get('serializable') === 'true') return '';
  if (backend.status.leader === 0n) return 'RAFT NO LEADER';
  return backend.readBarrier().then(
    () => '',
    (error: unknown) => `RANGE ERROR:${String(error)}`,
  );
}

function health(reason: string): string {
  return JSON.stringify({ health: String(reason === ''), reason });
}

/** Prometheus text; etcd's names where it has one. */
function metrics(backend: Backend, { flushMs, appendedBytes, entriesWaiting }: Measures): string {
  const { status, state } = backend;
  const rows: readonly [string, 'gauge' | 'counter', string, number][] = [
    ['etcd_server_has_leader', 'gauge', 'Whether a leader is known.', status.leader === 0n ? 0 : 1],
    ['etcd_server_is_leader', 'gauge', 'Whether this member leads.', status.leader === status.memberId ? 1 : 0],
    ['etcd_server_is_learner', 'gauge', 'Whether this member does not vote.', status.isLearner ? 1 : 0],
    ['etcd_server_proposals_committed_total', 'gauge', 'Last committed index.', status.index],
    ['etcd_server_proposals_applied_total', 'gauge', 'Last applied index.', status.appliedIndex],
    ['etcd_mvcc_db_total_size_in_bytes', 'gauge', 'Size of keys and values.', state.store.bytes],
    ['etcd_debugging_mvcc_keys_total', 'gauge', 'Keys.', state.store.keyCount],
    ['etcd_debugging_mvcc_current_revision', 'gauge', 'Revision.', state.store.revision],
    ['etcd_debugging_mvcc_compact_revision', 'gauge', 'First revision with history.', state.store.compactRevision],
    ['bramble_store_flush_usual_max_seconds', 'gauge', 'What a flush mostly takes at most.', flushMs / 1000],
    ['bramble_store_log_appended_bytes_total', 'counter', 'Bytes written to the log.', appendedBytes],
    ['bramble_store_entries_waiting', 'gauge', 'Committed and not applied.', entriesWaiting],
    ['process_resident_memory_bytes', 'gauge', 'Resident memory.', process.memoryUsage.rss()],
  ];
  return rows
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('');
}
