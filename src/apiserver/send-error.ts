import { errorText } from '../api/error-text.ts';
import type { Log } from '../host/log.ts';
import { StatusError } from '../api/status.ts';
import type { Exchange } from './exchange.ts';

/** Answers with a failure: a Status as it is, anything else as an internal error, which is logged here. */
export async function sendError(exchange: Exchange, error: unknown, log: Log): Promise<void> {
  const status = statusOf(error, exchange, log);
  if (exchange.response.headersSent) {
    exchange.response.destroy();
    return;
  }
  const retryAfter = status.details?.retryAfterSeconds;
  const body = `${JSON.stringify(status)}\n`;
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  await exchange.send(status.code, 'application/json', body, headers);
}

function statusOf(error: unknown, exchange: Exchange, log: Log): StatusError {
  if (error instanceof StatusError) return error;
  const { signal, method, path } = exchange;
  if (signal.aborted) {
    if (signal.reason instanceof StatusError) return signal.reason;
    return new StatusError('Timeout', 'Timeout: request did not complete within the allotted timeout');
  }
  log.error('a request failed', { method, path, error });
  const why = errorText(error);
  return new StatusError('InternalError', `Internal error occurred: ${why}`, {
    details: { causes: [{ reason: '', message: why }] },
  });
}

/** What no path of ours matches: plain text, as upstream's mux answers. */
export async function sendNotFound(exchange: Exchange): Promise<void> {
  await exchange.send(404, 'text/plain; charset=utf-8', '404 page not found\n', {
    'x-content-type-options': 'nosniff',
  });
}

/** What is in a group that is served, but no resource of it. */
export function noSuchResource(): StatusError {
  return new StatusError('NotFound', 'the server could not find the requested resource', { details: {} });
}
