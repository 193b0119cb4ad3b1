import { globSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createToken, formatToken } from '../../src/bootstrap/token.ts';
import { boardPaths } from '../../src/rack/rack-paths.ts';
import { openRack, type Rack } from './harness.ts';

/** Boards that cannot join say why in one line, and keep trying. */

const { signal } = new AbortController();
const LONG = { timeout: 120_000 };
t.setTimeout(LONG.timeout);
const rack: Rack = await openRack('cluster', signal);

/**
 * Tries for 40 s at most; what takes longer is not said at all. `$1` is what to wait for, `$2` a shell command to run then,
 * `$3` what to wait for after that.
 */
const SCRIPT = `
said() { for i in $(seq 400); do grep -qE "$1" /run/said && return; sleep 0.1; done; echo "not said: $1"; }
mount -t tmpfs tmpfs /etc/bramble && mount -t tmpfs tmpfs /var/lib/bramble && mount -t tmpfs tmpfs /run || exit
cat >/etc/bramble/config.yaml
bramble join >/run/said 2>&1 & pid=$!
said "$1"
kill -0 $pid && echo still-trying
eval "$2"
[ -z "$3" ] || said "$3"
kill $pid 2>/dev/null
cat /run/said`;

interface Attempt {
  readonly config?: (config: string) => string;
  /** What is to be said; the attempt ends with it. */
  readonly until: RegExp;
  readonly environment?: readonly string[];
  /** A command on the board after which the board joins. */
  readonly remedy?: string;
}

/** What `bramble join` says on w1, with this configuration in place of its own and nothing on its disk. */
async function tryToJoin({ config = (one) => one, until, environment = [], remedy = '' }: Attempt): Promise<string> {
  const own = await rack.exec('w1', ['cat', '/etc/bramble/config.yaml']);
  const after = remedy === '' ? '' : 'joined the cluster';
  const shell = ['sh', '-c', SCRIPT, 'sh', until.source, remedy, after];
  return (await rack.tryExec('w1', ['env', ...environment, 'unshare', '-m', ...shell], config(own))).stdout;
}

function token(config: string): string {
  return /^token: "(.*)"$/m.exec(config)?.[1] ?? '';
}

void t.test('a token of another cluster', LONG, async (t) => {
  const said = await tryToJoin({
    config: (config) => config.replace(token(config), formatToken(createToken(`sha256:${'0'.repeat(64)}`))),
    until: /no control board of this cluster has been heard of/,
  });
  t.match(said, /no control board of this cluster has been heard of/);
  t.match(said, /still-trying/);
});

void t.test('a token that the cluster never gave', LONG, async (t) => {
  const said = await tryToJoin({
    config: (config) => config.replace(token(config), token(config).replace(/.{16}$/, 'wrongwrongwrong1')),
    until: /the cluster does not take the token/,
  });
  t.match(said, /the cluster does not take the token/);
  t.match(said, /still-trying/);
  t.notMatch(said, /wrongwrongwrong1/, 'the token itself is not said');
});

void t.test("a worker's token on a board that would be a control board", LONG, async (t) => {
  const said = await tryToJoin({
    config: (config) => config.replace('role: worker', 'role: control'),
    until: /the token is not one for boards of this role/,
  });
  t.match(said, /the token is not one for boards of this role/);
  t.match(said, /still-trying/);
});

void t.test('an address that the board does not have', LONG, async (t) => {
  const said = await tryToJoin({
    config: (config) => `${config}\naddresses: { node: 192.0.2.7 }\n`.replace(/^addresses:\n( {2}.*\n)+/m, ''),
    until: /addresses\.node is 192\.0\.2\.7, which no interface of this board has/,
  });
  t.match(said, /addresses\.node is 192\.0\.2\.7, which no interface of this board has/);
  t.match(said, /still-trying/);
});

const [fakeTime] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
const skip = fakeTime === undefined ? 'libfaketime is not here: apt-get install faketime' : false;
void t.test('a clock that is years behind, or ahead, until it is set', { ...LONG, skip }, async (t) => {
  // Below what the attempt sees of the board's own files.
  const library = 'containerd/libfaketime.so.1';
  const card = join(boardPaths(rack.paths, 'w1').persistent, library);
  await copyFile(fakeTime ?? '', card);
  const clock = '/dev/shm/clock';
  t.teardown(async () => {
    await rm(card, { force: true });
    await rack.tryExec('w1', ['rm', '-f', clock]);
  });
  const wrong = [
    { offset: '-2500d', why: /this board's clock says 20(19|2.)-\S+, before the server's certificate begins: set it/ },
    { offset: '+3200d', why: /the server's certificate has expired on .*, or this board's clock is ahead/ },
  ];
  for (const [index, { offset, why }] of wrong.entries()) {
    await rack.exec('w1', ['sh', '-c', `echo "${offset}" >${clock}`]);
    const said = await tryToJoin({
      // A name that no board has: one that runs keeps its own.
      config: (config) => config.replace('name: "w1"', `name: "late-${index}"`),
      until: why,
      environment: [
        `LD_PRELOAD=/var/lib/${library}`,
        `FAKETIME_TIMESTAMP_FILE=${clock}`,
        'FAKETIME_NO_CACHE=1',
        'FAKETIME_DONT_FAKE_MONOTONIC=1',
      ],
      remedy: `echo +0 >${clock}`,
    });
    t.match(said, why);
    t.match(said, /still-trying/);
    t.match(said, /joined the cluster as a worker/, 'once it is set');
    t.equal(said.split('"level":"warn"').length - 1, 1, 'one line says what is wrong');
  }
});
