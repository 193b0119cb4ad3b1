import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { failureOf, sendText } from '../../../src/kubelet/server/kubelet-call.ts';
import { systemLogs } from '../../../src/kubelet/server/system-logs.ts';
import { fakeView } from './fake-view.ts';

void t.test('systemLogs() lists folders, sends files, and lets nothing lead out of the folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-logs-'));
  await mkdir(join(folder, 'log/sub'), { recursive: true });
  await writeFile(join(folder, 'log/a<b.log'), 'hello\n');
  await writeFile(join(folder, 'log/empty'), '');
  await writeFile(join(folder, 'secret'), 'no');
  await symlink('../secret', join(folder, 'log/out'));
  await symlink('a<b.log', join(folder, 'log/in'));
  const handler = systemLogs(join(folder, 'log'));
  const { signal } = new AbortController();
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('/').slice(2).map(decodeURIComponent);
    handler({ view: fakeView(), request, path, query: new URLSearchParams(), signal }, response).catch(
      (error: unknown) => {
        const { code, text } = failureOf(error);
        sendText(response, code, text);
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  const get = async (path: string): Promise<{ code: number; text: string }> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' });
    return { code: answer.status, text: await answer.text() };
  };
  const list = await get('/logs/');
  t.match(list.text, '<a href="a%3Cb.log">a&lt;b.log</a>\n');
  t.match(list.text, '<a href="sub/">sub/</a>\n');
  t.equal((await get('/logs/sub')).code, 301);
  t.same(await get('/logs/in'), { code: 200, text: 'hello\n' });
  t.same(await get('/logs/empty'), { code: 200, text: '' });
  for (const path of ['/logs/out', '/logs/none', '/logs/..%2fsecret']) t.equal((await get(path)).code, 404, path);
});
