import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseYaml } from '../../src/api/yaml.ts';

/** One write that an API server has acknowledged. */
interface Ack {
  readonly name: string;
  readonly atMs: number;
}

interface Credentials {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The administrator's certificate of a kubeconfig. */
export function readCredentials(kubeconfig: string): Credentials {
  const config = parseYaml(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: Record<string, string> }[];
  };
  const [cluster, user] = [config.clusters[0]?.cluster ?? {}, config.users[0]?.user ?? {}];
  const decode = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64');
  return {
    ca: decode(cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  };
}

const PERIOD_MS = 20;
/** A client that waits longer than this for an answer asks again. */
const TIMEOUT_MS = 500;

/**
 * A client that creates a ConfigMap every 20 ms, each over a connection of its own as kubectl does, at the first of its
 * servers that answers. It knows what was acknowledged, and when.
 */
export class WriteStream {
  readonly acked: Ack[] = [];
  readonly #credentials: Credentials;
  readonly #servers: readonly string[];
  readonly #prefix: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #current = 0;
  #serial = 0;

  /** @param servers addresses; one is kept until it fails */
  constructor(credentials: Credentials, servers: readonly string[], prefix: string) {
    this.#credentials = credentials;
    this.#servers = servers;
    this.#prefix = prefix;
    this.#running = this.#run();
  }

  /** The longest time without an acknowledgement that began after `sinceMs` or just before it. */
  longestGapMs(sinceMs: number): number {
    const times = this.acked.map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((atMs, index) => (atMs >= sinceMs ? atMs - (times[index] ?? atMs) : 0));
    return Math.round(Math.max(0, ...gaps));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const name = `${this.#prefix}-${(this.#serial += 1)}`;
      if (await this.#create(name).catch(() => false)) this.acked.push({ name, atMs: performance.now() });
      else this.#current = (this.#current + 1) % this.#servers.length;
      await sleep(PERIOD_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  #create(name: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels: { stream: this.#prefix } },
    });
    const call = request(
      {
        host: this.#servers[this.#current] ?? '',
        port: 6443,
        path: '/api/v1/namespaces/default/configmaps',
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        servername: 'kubernetes.default.svc',
        agent: new Agent({ keepAlive: false }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...this.#credentials,
      },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode === 201));
        answer.once('error', () => resolve(false));
      },
    );
    call.once('error', () => resolve(false));
    call.end(body);
    return promise;
  }
}
