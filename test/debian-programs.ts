/**
 * Other makers' clients and servers that tests meet, as Debian 12 and 13 ship them, so that every host tests with the same:
 * fetched by apt, which checks Debian's signatures, once per checkout and without installing anything.
 *
 *   node test/debian-programs.ts     fetches what is missing and says what there is
 */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { exec } from '../src/host/exec.ts';

/** A Debian release and the packages of it that tests run. */
const WANTED = {
  bookworm: ['kubernetes-client'],
  trixie: ['kubectl', 'etcd-client', 'etcd-server'],
} as const;

/** Debian 12 is bookworm, Debian 13 trixie. */
export type Suite = keyof typeof WANTED;

/** Beside the packages: `npm run down` leaves it, and git knows nothing of it. */
const CACHE = join(import.meta.dirname, '../node_modules/.cache/debian-programs');
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
const APT_TIMEOUT_MS = 120_000;

/** Where programs of that release are; nothing is fetched. A folder that is not there has not been fetched. */
export function debianBin(suite: Suite): string {
  return join(CACHE, `${suite}-${WANTED[suite].join('-')}`, 'usr/bin');
}

/** Fetches what is missing (ten seconds, 40 MB). @throws Error when Debian's mirror or apt is not to be had */
export async function fetchDebianPrograms(): Promise<void> {
  const missing = (Object.keys(WANTED) as Suite[]).filter((suite) => !existsSync(debianBin(suite)));
  if (missing.length === 0) return;
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, 'fetch-'));
  try {
    const apt = await privateApt(work, missing);
    await apt('update', '-qq');
    for (const suite of missing) await fetchSuite(apt, work, suite);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

type Apt = (...argv: string[]) => Promise<unknown>;

/** An apt with sources and lists of its own: neither this machine's releases nor its packages matter to it. */
async function privateApt(work: string, suites: readonly Suite[]): Promise<Apt> {
  const mirror = process.env['BRAMBLE_DEBIAN_MIRROR'] ?? 'http://deb.debian.org/debian';
  const sources = suites.map((suite) => `deb [signed-by=${KEYS} target=Packages] ${mirror} ${suite} main`);
  await mkdir(join(work, 'lists/partial'), { recursive: true });
  await writeFile(join(work, 'sources.list'), `${sources.join('\n')}\n`);
  const settings = {
    'Dir::Etc::SourceList': join(work, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': work,
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '10',
    'APT::Update::Error-Mode': 'any', // else a mirror that does not answer is a warning
    'APT::Sandbox::User': 'root', // its own user may not look into a checkout
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const script = 'cd "$0" && exec apt-get "$@"';
  return async (...argv) => exec(['sh', '-c', script, work, ...options, ...argv], { timeoutMs: APT_TIMEOUT_MS });
}

async function fetchSuite(apt: Apt, work: string, suite: Suite): Promise<void> {
  await apt('download', '-qq', ...WANTED[suite].map((name) => `${name}/${suite}`));
  const tree = join(work, suite);
  for (const file of (await readdir(work)).filter((name) => name.endsWith('.deb'))) {
    await exec(['dpkg-deb', '--extract', join(work, file), tree]);
    await rm(join(work, file));
  }
  // Whole or not there. Another test file may have been faster.
  await rename(tree, join(debianBin(suite), '../..')).catch((error: unknown) => {
    if (!existsSync(debianBin(suite))) throw error;
  });
}

if (import.meta.main) {
  await fetchDebianPrograms().catch((error: unknown) => {
    process.stdout.write(`some tests will be skipped: ${error instanceof Error ? error.message : String(error)}\n`);
  });
  for (const suite of Object.keys(WANTED) as Suite[])
    if (existsSync(debianBin(suite)))
      process.stdout.write(`${suite}: ${(await readdir(debianBin(suite))).join(' ')}\n`);
}
