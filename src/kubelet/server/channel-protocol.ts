/** How a WebSocket carries the streams of exec and attach: the first byte of each message is the stream's number. */
export interface ChannelProtocol {
  readonly name: string;
  /** Text messages: a digit, then base64. */
  readonly isBase64: boolean;
  /** The end is told as a Status; before version 4, as a text and only when it failed. */
  readonly hasStatus: boolean;
  /** A client can end its input alone (KEP-4006). */
  readonly hasClose: boolean;
}

export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

const PROTOCOLS: readonly ChannelProtocol[] = [
  { name: 'v5.channel.k8s.io', isBase64: false, hasStatus: true, hasClose: true },
  { name: 'v4.channel.k8s.io', isBase64: false, hasStatus: true, hasClose: false },
  { name: 'v4.base64.channel.k8s.io', isBase64: true, hasStatus: true, hasClose: false },
  { name: 'channel.k8s.io', isBase64: false, hasStatus: false, hasClose: false },
  { name: 'base64.channel.k8s.io', isBase64: true, hasStatus: false, hasClose: false },
  { name: '', isBase64: false, hasStatus: false, hasClose: false },
];

/** The first of the client's that is known here; without any offer, the oldest. Undefined: none is. */
export function chooseProtocol(offered: readonly string[]): ChannelProtocol | undefined {
  const names = offered.length === 0 ? [''] : offered;
  for (const name of names) {
    const found = PROTOCOLS.find((one) => one.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One message of a client: which channel, and its bytes. Undefined where there is nothing. */
export function decodeMessage(
  { isBase64 }: ChannelProtocol,
  message: Buffer,
): { readonly channel: number; readonly bytes: Buffer } | undefined {
  const [first] = message;
  if (first === undefined) return undefined;
  if (!isBase64) return { channel: first, bytes: message.subarray(1) };
  return { channel: first - 0x30, bytes: Buffer.from(message.toString('latin1', 1), 'base64') };
}

/** A message to the client: binary as bytes, base64 as text. */
export function encodeMessage({ isBase64 }: ChannelProtocol, channel: number, bytes: Buffer): Buffer | string {
  return isBase64 ? `${channel}${bytes.toString('base64')}` : Buffer.concat([Buffer.from([channel]), bytes]);
}
