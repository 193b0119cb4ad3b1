import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { StatusError } from '../../api/status.ts';
import type { KubeletView } from './kubelet-server.ts';

/** One request to the kubelet, let in. */
export interface KubeletCall {
  readonly view: KubeletView;
  readonly request: IncomingMessage;
  /** Elements of the path after the first, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  /** Aborted when the client is gone or the server ends. */
  readonly signal: AbortSignal;
}

/** Answers one path. @throws StatusError, which is sent as its text while no answer has begun */
export type Handler = (call: KubeletCall, response: ServerResponse) => Promise<void>;

/** A connection that is to speak another protocol from here on. */
export interface Upgrade {
  readonly socket: Duplex;
  /** What came after the request's head already. */
  readonly head: Buffer;
}

/** Takes one connection over; settles when it is closed. @throws StatusError while the client has not been answered */
export type UpgradeHandler = (call: KubeletCall, upgrade: Upgrade) => Promise<void>;

/** Code and text of a failure, as upstream's kubelet sends it: plain, not a Status. */
export function failureOf(error: unknown): { readonly code: number; readonly text: string } {
  if (error instanceof StatusError) return { code: error.code, text: error.message };
  return { code: 500, text: error instanceof Error ? error.message : String(error) };
}

/** Sends a whole text. */
export function sendText(response: ServerResponse, code: number, text: string, type = 'text/plain'): void {
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** Sends a value as JSON. */
export function sendJson(response: ServerResponse, value: unknown): void {
  sendText(response, 200, JSON.stringify(value), 'application/json');
}
