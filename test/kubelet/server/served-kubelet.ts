import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { freePort } from '../../fake/free-port.ts';
import type { ApiClient } from '../../../src/client/api-client.ts';
import { createAuthority, issue } from '../../../src/host/pki.ts';
import type { Authority } from '../../../src/host/pki.ts';
import type { KubeletView } from '../../../src/kubelet/server/kubelet-server.ts';
import { runKubeletServer } from '../../../src/kubelet/server/run-kubelet-server.ts';

process.env['BRAMBLE_LOG_LEVEL'] ??= 'silent';

/** A kubelet's server on a port of its own, with an authority and an administrator of its own. */
export interface ServedKubelet {
  readonly port: number;
  readonly folder: string;
  readonly authority: Authority;
  /** Client certificate of `system:masters`, and whom to trust. */
  readonly admin: ClientTls;
  /** Puts another serving certificate in place. */
  replaceCertificate(commonName: string): Promise<void>;
  get(path: string, options?: GetOptions): Promise<Answer>;
  /** An answer of which the end is not waited for. */
  open(path: string, options?: GetOptions): Promise<IncomingMessage>;
  /** Switches protocols; an answer of another kind is a rejection with its text. */
  upgrade(path: string, headers: OutgoingHttpHeaders, method?: string): Promise<Duplex>;
  close(): Promise<void>;
}

interface GetOptions {
  readonly tls?: SecureContextOptions;
  readonly headers?: OutgoingHttpHeaders;
  readonly method?: string;
}

export interface Answer {
  readonly code: number;
  readonly text: string;
  readonly type: string;
}

const LIFETIME_MS = 3_600_000;

/** PEM of a certificate, its key, and whom to trust. */
export interface ClientTls extends SecureContextOptions {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A certificate with its key. */
export async function certificateOf(
  authority: Authority,
  commonName: string,
  organizations: readonly string[] = [],
): Promise<ClientTls> {
  const { certPem, keyPem } = await issue({
    authority,
    usages: ['server', 'client'],
    nowMs: Date.now(),
    lifetimeMs: LIFETIME_MS,
    subject: { commonName, organizations },
    altNames: ['127.0.0.1'],
  });
  return { cert: certPem, key: keyPem, ca: authority.certPem };
}

export async function serveKubelet(view: KubeletView, client: ApiClient): Promise<ServedKubelet> {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-kubelet-server-'));
  const authority = await createAuthority('kubernetes', Date.now());
  const [certFile, keyFile, clientCaFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key'), join(folder, 'ca.crt')];
  const replaceCertificate = async (commonName: string): Promise<void> => {
    const { cert, key } = await certificateOf(authority, commonName);
    await writeFile(keyFile, key);
    await writeFile(certFile, cert);
  };
  await replaceCertificate('system:node:w1');
  await writeFile(clientCaFile, authority.certPem);
  const admin = await certificateOf(authority, 'kube-apiserver-kubelet-client', ['system:masters']);
  const port = await freePort();
  const stop = new AbortController();
  const options = { address: '127.0.0.1', port, certFile, keyFile, clientCaFile };
  const running = runKubeletServer(view, options, client, stop.signal);
  const ask = (path: string, { tls = admin, headers = {}, method = 'GET' }: GetOptions) =>
    httpsRequest({ host: '127.0.0.1', port, path, method, headers, agent: false, ...tls });
  const open = async (path: string, options: GetOptions = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      ask(path, options).once('response', resolve).once('error', reject).end();
    });
  const served: ServedKubelet = {
    port,
    folder,
    authority,
    admin,
    replaceCertificate,
    open,
    get: async (path, options) => answerOf(await open(path, options)),
    upgrade: async (path, headers, method = 'POST') =>
      new Promise((resolve, reject) => {
        const request = ask(path, { headers: { connection: 'Upgrade', ...headers }, method });
        request.once('upgrade', (_response, socket) => resolve(socket));
        request.once('response', (response: IncomingMessage) => {
          void answerOf(response).then(({ code, text }) => reject(new Error(`${code} ${text}`)));
        });
        request.once('error', reject).end();
      }),
    async close() {
      stop.abort();
      await running;
      await rm(folder, { recursive: true, force: true });
    },
  };
  await untilListening(served, running);
  return served;
}

async function untilListening(served: ServedKubelet, running: Promise<void>): Promise<void> {
  const look = async (): Promise<void> => {
    for (let i = 0; i < 100; i += 1) {
      const isUp = await served.get('/healthz').then(
        () => true,
        () => false,
      );
      if (isUp) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the server did not start');
  };
  await Promise.race([look(), running.then(() => Promise.reject(new Error('the server has ended')))]);
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return {
    code: response.statusCode ?? 0,
    text: Buffer.concat(chunks).toString('utf8'),
    type: response.headers['content-type'] ?? '',
  };
}
