import { readFile } from 'node:fs/promises';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';

export interface ServingTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Bundle against which client certificates are checked. */
  readonly clientCaFile: string;
}

/** What TLS is made with. */
export interface ServingContext {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/** How often the files are looked at: renewal happens weeks before expiry. */
const CHECK_MS = 30_000;

/** The server's key and certificates as they stand in their files, read again when they change. */
export class ServingTls {
  readonly #files: ServingTlsFiles;
  readonly #log: Log;
  readonly #listeners = new Set<(context: ServingContext) => void>();
  #context: ServingContext;

  private constructor(files: ServingTlsFiles, log: Log, context: ServingContext) {
    this.#files = files;
    this.#log = log;
    this.#context = context;
  }

  static async read(files: ServingTlsFiles, log: Log): Promise<ServingTls> {
    return new ServingTls(files, log, await load(files));
  }

  current(): ServingContext {
    return this.#context;
  }

  /** Called with every change; gives the function that ends that. */
  onChange(listener: (context: ServingContext) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks after the files until `signal` is aborted. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleepMs(CHECK_MS, signal).catch(() => undefined); // rejects only when aborted
      if (signal.aborted) return;
      try {
        await this.#check();
      } catch (error) {
        // A certificate and a key that do not belong together yet: the next look finds both.
        this.#log.warn('cannot read the serving certificate, keeping the old one', { error });
      }
    }
  }

  async #check(): Promise<void> {
    const context = await load(this.#files);
    const isSame = (['cert', 'key', 'ca'] as const).every((part) => context[part].equals(this.#context[part]));
    if (isSame) return;
    for (const listener of this.#listeners) listener(context);
    this.#context = context;
    this.#log.info('serving certificate read again');
  }
}

async function load({ certFile, keyFile, clientCaFile }: ServingTlsFiles): Promise<ServingContext> {
  const [cert, key, ca] = await Promise.all([readFile(certFile), readFile(keyFile), readFile(clientCaFile)]);
  return { cert, key, ca };
}
