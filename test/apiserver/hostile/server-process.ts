import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import type { ServerLimits } from '../../../src/apiserver/server-limits.ts';
import { startTestCluster } from '../test-cluster.ts';

interface Identity {
  readonly certPem: string;
  readonly keyPem: string;
}

/** An API server and its store in a process of their own, so that what it weighs can be told from what attacks it. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly ca: string;
  readonly admin: Identity;
  /** Resident memory now, in MiB. */
  rssMib(): number;
  /** The most that there has been since the start, in MiB. */
  peakRssMib(): number;
  isAlive(): boolean;
  /** A certificate of the cluster's CA; what `days` makes of it may be in the past. */
  issueClient(commonName: string, organizations: readonly string[], days: number): Promise<Identity>;
  close(): Promise<void>;
}

interface Hello {
  readonly url: string;
  readonly folder: string;
  readonly ca: string;
  readonly admin: Identity;
}

interface IssueQuestion {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly days: number;
}

/** Starts one, with these limits in the place of a board's; ready to serve when it settles. */
export async function startServerProcess(limits: Partial<ServerLimits> = {}): Promise<ServerProcess> {
  const child = fork(import.meta.filename, ['serve', JSON.stringify(limits)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [hello] = (await once(child, 'message')) as [Hello];
  const ended = once(child, 'exit');
  return {
    ...hello,
    port: Number(new URL(hello.url).port),
    rssMib: () => statusMib(child, 'VmRSS'),
    peakRssMib: () => statusMib(child, 'VmHWM'),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    issueClient: async (commonName, organizations, days) => {
      const question: IssueQuestion = { commonName, organizations, days };
      child.send(question);
      const [identity] = (await once(child, 'message')) as [Identity];
      return identity;
    },
    close: async () => {
      if (child.exitCode === null) child.disconnect();
      await ended;
    },
  };
}

/** A TLS connection as nobody, or as who has `identity`, which speaks only what it is told to. */
export async function rawConnection(
  server: Pick<ServerProcess, 'port' | 'ca'>,
  options: { readonly identity?: Identity; readonly alpn?: 'h2' | 'http/1.1'; readonly localAddress?: string } = {},
): Promise<TLSSocket> {
  const { identity, alpn = 'http/1.1', localAddress } = options;
  const socket = connect({
    host: '127.0.0.1',
    port: server.port,
    ca: server.ca,
    ALPNProtocols: [alpn],
    ...(identity === undefined ? {} : { cert: identity.certPem, key: identity.keyPem }),
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  socket.on('error', () => undefined); // the server may end it at any time: tests look at what was received
  await once(socket, 'secureConnect');
  return socket;
}

/** Everything that arrives until the connection ends or has been silent for `silentMs`. */
export async function received(socket: TLSSocket, silentMs = 500): Promise<{ text: string; isEnded: boolean }> {
  let text = '';
  let isEnded = false;
  await new Promise<void>((resolve) => {
    let timer = setTimeout(resolve, silentMs);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      clearTimeout(timer);
      timer = setTimeout(resolve, silentMs);
    });
    socket.once('close', () => {
      isEnded = true;
      clearTimeout(timer);
      resolve();
    });
  });
  return { text, isEnded };
}

function statusMib(child: ChildProcess, field: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024);
}

async function serve(): Promise<void> {
  const limits = JSON.parse(process.argv[3] ?? '{}') as Partial<ServerLimits>;
  const cluster = await startTestCluster({ limits });
  const { url, folder, ca, admin } = cluster;
  process.on('message', (question: IssueQuestion) => {
    const { commonName, organizations, days } = question;
    void cluster.issueClient(commonName, organizations, days).then((identity) => process.send?.(identity));
  });
  process.once('disconnect', () => void cluster.close().then(() => process.exit(0)));
  const hello: Hello = { url, folder, ca, admin };
  process.send?.(hello);
}

if (process.argv[2] === 'serve' && process.argv[1] === import.meta.filename) await serve();
