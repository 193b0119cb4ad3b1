import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StatusError } from '../../api/status.ts';
import type { Handler } from './kubelet-call.ts';
import { sendText } from './kubelet-call.ts';

/** Names shown of one folder at most. */
const NAMES_MAX = 10_000;

/**
 * `/logs/...`: the files below /var/log, as upstream's kubelet serves them (`kubectl get --raw
 * /api/v1/nodes/<name>/proxy/logs/`). A link that leads out of there is not followed.
 *
 * @param root `/var/log`
 */
export function systemLogs(root: string): Handler {
  return async ({ path, request, signal }, response) => {
    const real = await resolveBelow(root, path);
    const stats = await stat(real);
    if (stats.isDirectory()) {
      const [pathname = ''] = (request.url ?? '').split('?');
      if (!pathname.endsWith('/')) {
        response.writeHead(301, { location: `${path.at(-1) ?? 'logs'}/` }).end();
        return;
      }
      return sendText(response, 200, await listing(real), 'text/html; charset=utf-8');
    }
    if (!stats.isFile()) throw notFound();
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': stats.size });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    // A log that grows meanwhile is sent as long as it was, as its length says.
    if (stats.size === 0) response.end();
    else await pipeline(createReadStream(real, { end: stats.size - 1, signal }), response);
  };
}

async function resolveBelow(root: string, path: readonly string[]): Promise<string> {
  if (path.some((part) => part === '..' || part.includes('/') || part.includes('\0'))) throw notFound();
  const [base, real] = await Promise.all([realpath(root), realpath(join(root, ...path))]).catch(() => {
    throw notFound();
  });
  if (real !== base && !real.startsWith(`${base}/`)) throw notFound();
  return real;
}

/** As Go's file server lists a folder. */
async function listing(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .slice(0, NAMES_MAX)
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .toSorted();
  const lines = names.map((name) => `<a href="${encodeURI(name)}">${escapeHtml(name)}</a>\n`);
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${lines.join('')}</pre>\n`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;');
}

function notFound(): StatusError {
  return new StatusError('NotFound', '404 page not found\n');
}
