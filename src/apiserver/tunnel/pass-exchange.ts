import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { reasonOfCode, StatusError } from '../../api/status.ts';
import type { ConnectTransport } from '../connect.ts';
import { answerHeaders } from './forward-headers.ts';
import { backendError } from './pass-upgrade.ts';

type Exchange = Extract<ConnectTransport, { type: 'exchange' }>;

/** Of an error's text so much is passed on (upstream's GenericHttpResponseChecker reads as much). */
const ERROR_BYTES_MAX = 10_000;

/** Sends the client's body on and the backend's answer back, as it stands. @throws StatusError when the backend cannot be reached */
export async function passExchange(
  request: ClientRequest,
  { request: client, response }: Exchange,
  signal: AbortSignal,
): Promise<void> {
  const answered = answerOf(request);
  // A body that breaks off breaks the request, which answerOf() sees.
  pipeline(client, request, { signal }).catch(() => undefined);
  const answer = await answered;
  for (const [name, value] of answerHeaders(answer.rawHeaders)) response.appendHeader(name, value);
  response.statusCode = answer.statusCode ?? 502;
  await passBody(answer, response, signal);
}

/** Streams a text to the client as the backend makes it. @throws StatusError with the backend's own text and code */
export async function passText(request: ClientRequest, { response }: Exchange, signal: AbortSignal): Promise<void> {
  const answered = answerOf(request);
  request.end();
  const answer = await answered;
  const code = answer.statusCode ?? 500;
  if (code >= 400) throw new StatusError(reasonOfCode(code), await errorText(answer), { code });
  response.statusCode = 200;
  response.setHeader('content-type', 'text/plain');
  // A follower sees the head at once, even when there is nothing to read for an hour.
  if ('flushHeaders' in response) response.flushHeaders();
  await passBody(answer, response, signal);
}

/** A client that goes away is how a followed log ends; a backend that breaks off breaks the answer off. */
async function passBody(answer: IncomingMessage, response: Exchange['response'], signal: AbortSignal): Promise<void> {
  try {
    await pipeline(answer, response as Writable, { signal });
  } catch {
    answer.destroy();
    response.destroy();
  }
}

async function errorText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > ERROR_BYTES_MAX) break;
  }
  const text = Buffer.concat(chunks).toString('utf8').slice(0, ERROR_BYTES_MAX).trim();
  return text === '' ? `the server responded with the status code ${answer.statusCode}` : text;
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', (error) => reject(backendError(error)));
  });
}
