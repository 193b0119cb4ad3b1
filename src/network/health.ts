import { once } from 'node:events';
import { createHttpServer } from '../host/http.ts';
import { untilAborted } from '../host/until-aborted.ts';

/** Serves /health (always well) and /ready until aborted, in the words of CoreDNS. @throws Error when it cannot listen */
export async function runHealth(
  { host, port }: { readonly host: string; readonly port: number },
  isReady: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const server = createHttpServer((request, response) => {
    const path = request.url?.split('?')[0];
    const isOk = path === '/health' || (path === '/ready' && isReady());
    if (path !== '/health' && path !== '/ready') response.writeHead(404).end();
    else response.writeHead(isOk ? 200 : 503, { 'content-type': 'text/plain' }).end(isOk ? 'OK' : 'not ready');
  });
  const failure = Promise.withResolvers<never>();
  server.on('error', (error) => failure.reject(error));
  server.listen(port, host);
  await Promise.race([untilAborted(signal), failure.promise]);
  server.closeAllConnections();
  await once(server.close(), 'close');
}
