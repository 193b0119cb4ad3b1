import { connect } from 'node:net';
import { Http2Connection } from '../client/http2-connection.ts';

/** Whether somebody serves at an address. */
export interface ServedProbe {
  /** False when there was no answer until `signal` was aborted. */
  isServed(signal: AbortSignal): Promise<boolean>;
  /** Gives back what is kept between two questions. */
  drop(): void;
}

interface ApiProbeOptions {
  readonly address: string;
  readonly port: number;
  /** Called at once when the connection that is kept has ended: mostly its server is gone. */
  readonly onLost: () => void;
}

/** For a sign of life, and for a new connection in the background. */
const PING_MS = 250;
const OPEN_MS = 3000;

/**
 * Whether somebody serves the API at an address, asked again and again: by a ping on one connection that is kept, which
 * costs the server a tenth of a new connection with TLS; and when that stays out, by a new TCP connection, which a server
 * too busy for a ping still takes. Nothing is sent or believed, so the server need not prove itself.
 */
export class ApiProbe implements ServedProbe {
  readonly #options: ApiProbeOptions;
  #connection: Http2Connection | undefined;
  #isOpening = false;
  /** Between a question and `drop`. */
  #isInUse = false;

  constructor(options: ApiProbeOptions) {
    this.#options = options;
  }

  async isServed(signal: AbortSignal): Promise<boolean> {
    this.#isInUse = true;
    const connection = this.#connection;
    if (connection?.isUsable === true) {
      await connection.probe(PING_MS);
      if (connection.isUsable) return true;
    }
    const isServed = await this.#connects(signal);
    if (isServed) this.#keep();
    return isServed;
  }

  drop(): void {
    this.#isInUse = false;
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.destroy();
  }

  #connects(signal: AbortSignal): Promise<boolean> {
    const { address, port } = this.#options;
    return new Promise((resolve) => {
      const socket = connect({ host: address, port, signal });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }

  /** Makes the connection that is kept, without keeping anybody waiting. */
  #keep(): void {
    if (this.#isOpening) return;
    this.#isOpening = true;
    const { address, port } = this.#options;
    const limits = { connectTimeoutMs: OPEN_MS, pingEveryMs: OPEN_MS, pingTimeoutMs: OPEN_MS };
    Http2Connection.open(`https://${address}:${port}`, { insecureSkipVerify: true }, limits)
      .then(async (connection) => this.#keepUntilLost(connection))
      .catch(() => {
        this.#isOpening = false; // the next question tries again
      });
  }

  async #keepUntilLost(connection: Http2Connection): Promise<void> {
    this.#isOpening = false;
    if (!this.#isInUse) return connection.destroy();
    this.#connection = connection;
    await connection.ended;
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#options.onLost();
  }
}
