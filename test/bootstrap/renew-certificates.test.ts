import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createControlKeys } from '../../src/bootstrap/authorities.ts';
import { localCertificates, renewLocalCertificates } from '../../src/bootstrap/board-certificates.ts';
import { checkBoardConfig } from '../../src/bootstrap/board-config.ts';
import { boardFiles, keyPair } from '../../src/bootstrap/board-files.ts';
import { runCertificateRenewal } from '../../src/bootstrap/renew-certificates.ts';
import { silentLog } from '../../src/host/log.ts';
import { readCertificate } from '../../src/host/pki.ts';
import { createFakeClock, type FakeClock } from '../fake/clock.ts';

const MADE_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const BACKDATED_MS = 5 * 60_000;

/** A control board of a cluster that was made at MADE_MS, with certificates of `issuedMs`, that runs while its clock says `nowMs`. */
async function startBoard(
  t: Test,
  issuedMs: number,
  nowMs: number,
): Promise<{ clock: FakeClock; notBeforeMs: () => Promise<number> }> {
  const root = await mkdtemp(join(tmpdir(), 'bramble-renew-'));
  const files = boardFiles(root);
  const { config } = checkBoardConfig({ name: 'c1', role: 'control', found: true }, 'c1');
  if (config === undefined) throw new Error('the configuration of this test is wrong');
  const keys = await createControlKeys(MADE_MS);
  await renewLocalCertificates(files, keys, localCertificates(config, '10.77.0.11'), issuedMs);
  const clock = createFakeClock(nowMs);
  const stop = new AbortController();
  const board = { files, config, keys, address: '10.77.0.11', clock, log: silentLog };
  const running = runCertificateRenewal(board, stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
    await rm(root, { recursive: true });
  });
  const notBeforeMs = async (): Promise<number> =>
    readCertificate(await readFile(keyPair(files, 'store-peer').cert, 'utf8')).notBeforeMs;
  return { clock, notBeforeMs };
}

/** Making certificates takes real time, which a fake clock does not wait for. */
async function untilChanged(read: () => Promise<number>, before: number): Promise<number> {
  for (;;) {
    const now = await read();
    if (now !== before) return now;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

void t.test('runCertificateRenewal() renews in the last third, while the board runs', async (t) => {
  const lastThirdMs = MADE_MS + 365 * DAY_MS - (365 * DAY_MS + BACKDATED_MS) / 3;
  const { clock, notBeforeMs } = await startBoard(t, MADE_MS, lastThirdMs - 45_000);
  const before = await notBeforeMs();
  await clock.advance(30_000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(await notBeforeMs(), before, 'not before');
  await clock.advance(30_000);
  t.equal(await untilChanged(notBeforeMs, before), lastThirdMs + 15_000 - BACKDATED_MS);
});

void t.test('runCertificateRenewal() makes anew what was made while the clock was ahead', async (t) => {
  const nowMs = MADE_MS + 10 * DAY_MS;
  const { clock, notBeforeMs } = await startBoard(t, MADE_MS + 3_000 * DAY_MS, nowMs);
  const before = await notBeforeMs();
  await clock.advance(30_000);
  t.ok((await untilChanged(notBeforeMs, before)) < nowMs);
});

void t.test('runCertificateRenewal() makes nothing while the clock is before the cluster was made', async (t) => {
  const { clock, notBeforeMs } = await startBoard(t, MADE_MS, MADE_MS - 3_000 * DAY_MS);
  const before = await notBeforeMs();
  for (let round = 0; round < 5; round += 1) {
    await clock.advance(30_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal(clock.sleeping, 1, 'it waits');
  t.equal(await notBeforeMs(), before);
});
