import { StatusError } from '../../api/status.ts';
import type { StreamChoice } from '../../host/cri/cri.ts';
import { SpdyConnection } from '../../host/spdy/spdy-connection.ts';
import type { SpdyListener } from '../../host/spdy/spdy-connection.ts';
import type { AcceptedWebSocket } from './accept-websocket.ts';
import { CHANNEL, decodeMessage, encodeMessage } from './channel-protocol.ts';
import type { ChannelProtocol } from './channel-protocol.ts';
import type { Dialled } from './dial-stream.ts';

/** For the runtime: what a client of the WebSocket kind does not know to say. */
export const SPDY_HEADERS = {
  Connection: 'Upgrade',
  Upgrade: 'SPDY/3.1',
  'X-Stream-Protocol-Version': 'v4.channel.k8s.io',
  'Content-Length': '0',
} as const;

const BUFFERED_BYTES_MAX = 1024 * 1024;
const STATUS_BYTES_MAX = 64 * 1024;
/** A client that does not answer our goodbye is gone after this. */
const CLOSE_MS = 5000;
const NORMAL_CLOSURE = 1000;

/**
 * Translates a WebSocket with channels into the SPDY streams that container runtimes speak: of the two only SPDY can end
 * a command's input without ending the command. Settles when the client is gone; then the runtime's side is closed, too.
 */
export async function bridgeRemoteCommand(
  webSocket: AcceptedWebSocket,
  dialled: Dialled,
  { protocol, streams }: { readonly protocol: ChannelProtocol; readonly streams: StreamChoice },
): Promise<void> {
  const bridge = new RemoteCommand(webSocket, protocol);
  await bridge.run(dialled, streams);
}

class RemoteCommand implements SpdyListener {
  readonly #webSocket: AcceptedWebSocket;
  readonly #protocol: ChannelProtocol;
  /** SPDY stream to channel, and back. */
  readonly #channels = new Map<number, number>();
  readonly #streams = new Map<number, number>();
  readonly #status: Buffer[] = [];
  #statusBytes = 0;
  #isFinished = false;

  constructor(webSocket: AcceptedWebSocket, protocol: ChannelProtocol) {
    this.#webSocket = webSocket;
    this.#protocol = protocol;
  }

  async run({ socket, head }: Dialled, { stdin, stdout, stderr, tty }: StreamChoice): Promise<void> {
    const webSocket = this.#webSocket;
    const spdy = new SpdyConnection(socket, head, this);
    this.#pauseSpdy = () => spdy.pause();
    this.#resumeSpdy = () => spdy.resume();
    // In this order, as upstream's client: the runtime waits for exactly those.
    this.#open(spdy, 'error');
    if (stdin) this.#open(spdy, 'stdin');
    if (stdout) this.#open(spdy, 'stdout');
    if (stderr) this.#open(spdy, 'stderr');
    if (tty) this.#open(spdy, 'resize');
    // An empty message says that the connection stands, as upstream's.
    this.#send(stdout ? CHANNEL.stdout : stderr ? CHANNEL.stderr : CHANNEL.error, Buffer.alloc(0));
    webSocket.on('message', (data) => this.#onMessage(spdy, data as Buffer));
    webSocket.on('error', () => webSocket.terminate());
    if (webSocket.readyState !== webSocket.CLOSED)
      await new Promise<void>((resolve) => webSocket.once('close', () => resolve()));
    spdy.destroy();
  }

  #pauseSpdy: () => void = () => undefined;
  #resumeSpdy: () => void = () => undefined;

  onData(streamId: number, bytes: Buffer): void {
    const channel = this.#channels.get(streamId);
    if (channel === undefined) return;
    if (channel !== CHANNEL.error) return this.#send(channel, bytes);
    this.#statusBytes += bytes.length;
    if (this.#statusBytes <= STATUS_BYTES_MAX) this.#status.push(bytes);
  }

  onEnd(streamId: number): void {
    if (this.#channels.get(streamId) === CHANNEL.error) this.#finish();
  }

  onClose(): void {
    this.#finish();
  }

  #open(spdy: SpdyConnection, type: 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize'): void {
    const id = spdy.open({ streamtype: type });
    this.#channels.set(id, CHANNEL[type]);
    this.#streams.set(CHANNEL[type], id);
  }

  #onMessage(spdy: SpdyConnection, data: Buffer): void {
    const message = decodeMessage(this.#protocol, data);
    if (message === undefined) return;
    const { channel, bytes } = message;
    if (channel === CHANNEL.close && this.#protocol.hasClose) {
      const stream = this.#streams.get(bytes[0] ?? CHANNEL.close);
      if (stream !== undefined && bytes[0] === CHANNEL.stdin) spdy.end(stream);
      return;
    }
    if (channel !== CHANNEL.stdin && channel !== CHANNEL.resize) return;
    const stream = this.#streams.get(channel);
    if (stream === undefined || bytes.length === 0 || spdy.write(stream, bytes)) return;
    this.#webSocket.pause();
    spdy.onDrain(() => this.#webSocket.resume());
  }

  #send(channel: number, bytes: Buffer): void {
    const webSocket = this.#webSocket;
    if (webSocket.readyState !== webSocket.OPEN) return;
    webSocket.send(encodeMessage(this.#protocol, channel, bytes), () => {
      if (webSocket.bufferedAmount < BUFFERED_BYTES_MAX / 2) this.#resumeSpdy();
    });
    if (webSocket.bufferedAmount > BUFFERED_BYTES_MAX) this.#pauseSpdy();
  }

  /** Tells the client how it ended, after all output, and says goodbye. */
  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const webSocket = this.#webSocket;
    const status = this.#status.length === 0 ? brokenOff() : Buffer.concat(this.#status);
    const told = this.#protocol.hasStatus ? status : failureText(status);
    if (told.length > 0) this.#send(CHANNEL.error, told);
    webSocket.resume(); // the goodbye is to be heard
    webSocket.close(NORMAL_CLOSURE);
    const timer = setTimeout(() => webSocket.terminate(), CLOSE_MS);
    webSocket.once('close', () => clearTimeout(timer));
  }
}

function brokenOff(): Buffer {
  const error = new StatusError('InternalError', 'the connection to the container runtime broke off');
  return Buffer.from(JSON.stringify(error));
}

/** What clients before version 4 get: nothing, or the message. */
function failureText(status: Buffer): Buffer {
  const text = status.toString('utf8');
  try {
    const { status: outcome, message } = JSON.parse(text) as { status?: string; message?: string };
    return Buffer.from(outcome === 'Success' ? '' : (message ?? text));
  } catch {
    return status;
  }
}
