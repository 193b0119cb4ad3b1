import type { Test } from 'tap';
import type { SelfSubjectAccessReview } from '../../src/api/objects.ts';
import { StatusError } from '../../src/api/status.ts';
import { createHttpApiClient, type HttpApiClient } from '../../src/client/http-api-client.ts';
import { type ControllersOptions, runControllers } from '../../src/controller/run-controllers.ts';
import { systemClock } from '../../src/host/clock.ts';
import { type Log, silentLog } from '../../src/host/log.ts';
import { type Authority, createAuthority } from '../../src/host/pki.ts';
import { startTestCluster, type TestCluster } from '../apiserver/test-cluster.ts';
import { type CountingClient, countingClient } from './counting-client.ts';
import { type Boards, createNodes, fakeBoards } from './fake-boards.ts';

/** The controllers, as system:kube-controller-manager, before our API server with RBAC on. */
export interface RealCluster {
  readonly api: TestCluster;
  /** As kubernetes-admin. */
  readonly admin: HttpApiClient;
  /** kubectl's standard output without the last line end. */
  readonly kubectl: (...args: string[]) => Promise<string>;
  readonly apply: (...objects: object[]) => Promise<string>;
  /** What the controllers asked of the API. */
  readonly client: CountingClient;
  readonly boards: Boards;
  readonly authority: Authority;
  /** Ends the controllers and starts new ones, which lead at once. */
  readonly restart: () => Promise<void>;
}

export interface RealClusterOptions {
  readonly boards?: readonly string[];
  readonly controllers?: Partial<ControllersOptions>;
}

/** Starts all of it; the test's end ends it, and fails if the controllers were refused anything. */
export async function startRealCluster(
  t: Test,
  { boards: names = ['w1', 'w2'], controllers = {} }: RealClusterOptions = {},
): Promise<RealCluster> {
  const api = await startTestCluster();
  const admin = clientAs(api, api.admin);
  const own = clientAs(api, await api.issueClient('system:kube-controller-manager'));
  const client = countingClient(own);
  const authority = await createAuthority('kubernetes', Date.now());
  const boards = fakeBoards(admin, names);
  const stop = new AbortController();
  const refused: string[] = [];
  let serial = 0;
  const start = (): { stop: AbortController; ended: Promise<void> } => {
    const stopThese = new AbortController();
    const options = { client, authority, clusterCidr: '10.244.0.0/16', clock: systemClock, log: refusals(refused) };
    const identity = `test-${(serial += 1)}`;
    return { stop: stopThese, ended: runControllers({ ...options, identity, ...controllers }, stopThese.signal) };
  };
  await until(async () => mayPatchNodes(own)); // the server writes its roles after it has begun to serve
  let running = start();
  const end = async (): Promise<void> => {
    running.stop.abort();
    await running.ended;
  };
  const board = boards.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    const ended = await Promise.allSettled([end(), board]);
    own.close();
    admin.close();
    await api.close();
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
    if (refused.length > 0) throw new Error(`the controllers were refused: ${refused.join('; ')}`);
  });
  await createNodes(admin, names);
  await until(async () => (await api.kubectl(['get', 'sa', '-o', 'name'])).includes('default'));
  return {
    api,
    admin,
    kubectl: async (...args) => (await api.kubectl(args)).trimEnd(),
    apply: async (...objects) =>
      api.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })),
    client,
    boards,
    authority,
    restart: async () => {
      await end();
      running = start();
    },
  };
}

/** A client of the cluster with this certificate; to be closed. */
export function clientAs(
  api: Pick<TestCluster, 'url' | 'ca'>,
  { certPem: cert, keyPem: key }: { readonly certPem: string; readonly keyPem: string },
): HttpApiClient {
  const config = { servers: [api.url], files: [], load: async () => ({ ca: api.ca, cert, key }) };
  return createHttpApiClient({ config, userAgent: 'bramble-test', log: silentLog });
}

async function mayPatchNodes(client: HttpApiClient): Promise<boolean> {
  const kind = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' };
  const review = { ...kind, spec: { resourceAttributes: { verb: 'patch', resource: 'nodes' } } };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const answer = await client.request('POST', path, review).catch(() => ({})); // asking needs a role, too
  return (answer as SelfSubjectAccessReview).status?.allowed === true;
}

/** A log that keeps what RBAC refused, and prints warnings where a person asked for them. */
function refusals(found: string[]): Log {
  const look = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
    const error = fields?.['error'];
    if (process.env['BRAMBLE_TEST_LOG'] !== undefined) console.error(message, fields);
    if (error instanceof StatusError && error.reason === 'Forbidden' && error.message.includes('User "'))
      found.push(error.message);
  };
  const log: Log = {
    ...silentLog,
    warn: look,
    error: look,
    debug: (_message, fields) => refusalOnly(fields),
    part: () => log,
  };
  const refusalOnly = (fields?: Readonly<Record<string, unknown>>): void => {
    const error = fields?.['error'];
    if (error instanceof StatusError && error.message.includes('User "system:kube-controller-manager"'))
      found.push(error.message);
  };
  return log;
}

/** Waits until it is so. @throws Error after `withinMs` */
export async function until(what: () => Promise<boolean> | boolean, withinMs = 30_000, hint = ''): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await what())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${hint} ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
