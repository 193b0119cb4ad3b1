import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { LogLineReader } from '../../../src/kubelet/server/log-line-reader.ts';
import { readLog } from '../../../src/kubelet/server/read-log.ts';
import type { LogOptions } from '../../../src/kubelet/server/log-options.ts';
import { FakeApiClient } from '../../fake/api-client.ts';
import { fakeView } from './fake-view.ts';
import { serveKubelet } from './served-kubelet.ts';

const ALL: LogOptions = {
  follow: false,
  previous: false,
  timestamps: false,
  tailLines: undefined,
  limitBytes: undefined,
  sinceMs: undefined,
  stream: undefined,
};
const LOG = [
  '2026-11-20T10:00:00.1Z stdout F one',
  '2026-11-20T10:00:01.123456789Z stderr P two ',
  '2026-11-20T10:00:01.2Z stderr F and more',
  'no log line at all',
  '2026-11-20T10:00:02Z stdout F ',
  '2026-11-20T10:00:03Z stdout F ünicode',
  '',
].join('\n');
const { signal: NEVER } = new AbortController();

function textOf(raw: string, choice: Partial<LogOptions>, step = raw.length): string {
  const reader = new LogLineReader({ ...ALL, ...choice });
  const bytes = Buffer.from(raw);
  const texts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += step) texts.push(...reader.read(bytes.subarray(at, at + step)));
  return Buffer.concat(texts).toString();
}

void t.test('LogLineReader takes the text out, whatever the pieces it is fed with', (t) => {
  const whole = 'one\ntwo and more\n\nünicode\n';
  for (let step = 1; step <= 70; step += 1) {
    if (textOf(LOG, {}, step) !== whole) t.equal(textOf(LOG, {}, step), whole, `in pieces of ${step}`);
    const late = textOf(LOG, { sinceMs: Date.UTC(2026, 10, 20, 10, 0, 2) }, step);
    if (late !== '\nünicode\n') t.equal(late, '\nünicode\n', `since, in pieces of ${step}`);
  }
  t.equal(textOf(LOG, { stream: 'stderr' }), 'two and more\n');
  t.equal(
    textOf(LOG, { timestamps: true }).split('\n')[1],
    '2026-11-20T10:00:01.123456789Z two and more',
    'one time for a line of two parts',
  );
  t.match(textOf(LOG, { timestamps: true }), /^2026-11-20T10:00:00\.100000000Z one\n/);
  t.end();
});

void t.test('readLog()', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-logs-'));
  t.teardown(async () => rm(folder, { recursive: true }));
  const path = join(folder, '0.log');
  await writeFile(path, LOG);
  const read = async (given: Partial<LogOptions>, isRunning = async () => false): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of readLog({ ...ALL, ...given, path, isRunning }, NEVER)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };

  await t.test('tails and limits', async (t) => {
    t.equal(await read({ tailLines: 1 }), 'ünicode\n');
    t.equal(await read({ tailLines: 2 }), '\nünicode\n');
    t.equal(await read({ tailLines: 0 }), '');
    t.equal(await read({ tailLines: 100 }), 'one\ntwo and more\n\nünicode\n');
    t.equal(await read({ limitBytes: 5 }), 'one\nt');
  });

  await t.test('finds the tail of a file of many blocks', async (t) => {
    const lines = Array.from({ length: 5000 }, (_, i) => `2026-11-20T10:00:00Z stdout F line ${i} ${'x'.repeat(40)}\n`);
    await writeFile(path, lines.join(''));
    const text = await read({ tailLines: 2500 });
    t.equal(text.split('\n').length - 1, 2500);
    t.match(text, /^line 2500 /);
    await writeFile(path, LOG);
  });

  await t.test('follows through rotations, packed ones too, and ends with the container', async (t) => {
    const line = (text: string): string => `2026-11-20T10:00:00Z stdout F ${text}\n`;
    await writeFile(path, line('first'));
    let runs = true;
    const gotten: string[] = [];
    const following = (async () => {
      for await (const chunk of readLog({ ...ALL, follow: true, path, isRunning: async () => runs }, NEVER))
        gotten.push(chunk.toString());
    })();
    const until = async (text: string): Promise<void> => {
      for (let i = 0; i < 100 && !gotten.join('').endsWith(text); i += 1) await sleep(10);
    };
    await until('first\n');
    const began = Date.now();
    await appendFile(path, line('second'));
    await until('second\n');
    t.ok(Date.now() - began < 500, 'seen at once, not by the look each second');
    // Two rotations at one stroke, as a slow reader meets them.
    await appendFile(path, line('third'));
    await writeFile(join(folder, '0.log.20261120-100001.gz'), gzipSync(line('fourth')));
    await rename(path, join(folder, '0.log.20261120-100000'));
    await writeFile(path, line('fifth'));
    await until('fifth\n');
    runs = false;
    await appendFile(path, line('last'));
    await following;
    t.equal(gotten.join(''), 'first\nsecond\nthird\nfourth\nfifth\nlast\n');
  });
});

void t.test('/containerLogs', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-logs-'));
  const logPath = join(folder, '0.log');
  await writeFile(logPath, LOG);
  const served = await serveKubelet(fakeView({ logPath }), new FakeApiClient(() => new Date()));
  t.teardown(async () => {
    await served.close();
    await rm(folder, { recursive: true });
  });
  const path = '/containerLogs/default/web/main';

  await t.test('gives the text', async (t) => {
    t.match(await served.get(path), { code: 200, type: 'text/plain', text: 'one\ntwo and more\n\nünicode\n' });
    t.equal((await served.get(`${path}?tailLines=1&timestamps=true`)).text, '2026-11-20T10:00:03.000000000Z ünicode\n');
    t.equal(
      (await served.get(`${path}?follow=true&tailLines=1`)).text,
      'ünicode\n',
      'an ended container is not waited for',
    );
  });

  await t.test("fails with upstream's texts", async (t) => {
    t.match(await served.get('/containerLogs/default/none/main'), { code: 404, text: 'pod "none" does not exist\n' });
    t.match(await served.get('/containerLogs/default/web/side'), {
      code: 404,
      text: 'container "side" not found in pod "web"\n',
    });
    t.match(await served.get(`${path}?previous=true`), {
      code: 400,
      text: 'previous terminated container "main" in pod "web" not found',
    });
    t.match(await served.get(`${path}?tailLines=x`), { code: 400 });
    t.match(await served.get(`${path}?stream=Other`), { code: 400 });
  });

  await t.test('a log that is not there is an error, not an empty answer', async (t) => {
    await rename(logPath, `${logPath}.away`);
    t.equal((await served.get(path)).code, 500);
    await rename(`${logPath}.away`, logPath);
  });
});
