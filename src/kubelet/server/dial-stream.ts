import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { StatusError } from '../../api/status.ts';
import { httpRequest } from '../../host/http.ts';

/** A connection to the runtime's streaming server that has switched protocols. */
export interface Dialled {
  readonly response: IncomingMessage;
  readonly socket: Duplex;
  /** What came after the answer's head already. */
  readonly head: Buffer;
}

const ANSWER_MS = 30_000;
const ERROR_BYTES_MAX = 10_000;

/**
 * Asks the runtime's streaming server, at the URL that it gave, to switch protocols.
 *
 * @throws StatusError with the runtime's own code and text, or InternalError when it cannot be reached
 */
export async function dialStream(
  url: string,
  method: string,
  headers: OutgoingHttpHeaders | readonly string[],
  signal: AbortSignal,
): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false });
    const stop = (): void => {
      request.destroy(new Error('the client is gone'));
    };
    const timer = setTimeout(() => request.destroy(new Error('no answer')), ANSWER_MS);
    signal.addEventListener('abort', stop, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    };
    request.once('upgrade', (response, socket, head) => {
      settle();
      resolve({ response, socket, head });
    });
    request.once('response', (response) => {
      const fail = async (): Promise<void> => {
        const text = await textOf(response);
        settle();
        reject(new StatusError('InternalError', text, { code: response.statusCode ?? 500 }));
      };
      void fail();
    });
    request.once('error', (cause) => {
      settle();
      reject(new StatusError('InternalError', `error dialing the container runtime: ${cause.message}`, { cause }));
    });
    request.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8');
      if (text.length > ERROR_BYTES_MAX) break;
    }
  } catch {
    // what was said before it broke off is better than nothing
  }
  return text === '' ? `the container runtime answered ${response.statusCode}` : text.slice(0, ERROR_BYTES_MAX);
}
