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
t.setTimeout(300_000);
const rack: Rack = await openRack('cluster', signal);

/**
 * Tries for 40 s at most: what takes longer is not said at all. `$1` is what to wait for, `$2` a shell command to run then,
 * after which the board joins. With KEPT set the board has its keys and knows whom it has joined.
 */
const SCRIPT = `
limit() { for i in $(seq 400); do "$@" && return; sleep 0.1; done; echo "never: $*"; }
said() { grep -qP "$1" /run/said; }
ended() { ! kill -0 $pid 2>/dev/null; }
kept=$(mktemp -d /dev/shm/XXXXXX)
[ -z "$KEPT" ] || cp -a /var/lib/bramble/pki /var/lib/bramble/*.json $kept
mount -t tmpfs tmpfs /etc/bramble && mount -t tmpfs tmpfs /var/lib/bramble && mount -t tmpfs tmpfs /run || exit
cp -a $kept/. /var/lib/bramble && rm -r $kept
cat >/etc/bramble/config.yaml
bramble join >/run/said 2>&1 & pid=$!
limit said "$1"
ended || echo still-trying
if [ -n "$2" ]; then eval "$2"; limit ended && wait $pid && echo has-joined; fi
kill $pid 2>/dev/null
cat /run/said`;

interface Attempt {
  readonly config?: (config: string) => string;
  /** What is to be said; the attempt ends with it, unless there is a remedy. */
  readonly until: RegExp;
  readonly environment?: readonly string[];
  /** A command on the board after which it joins. */
  readonly remedy?: string;
}

/** What `bramble join` says on a board, with this configuration in place of its own and nothing on its disk. */
async function tryToJoin(board: string, attempt: Attempt): Promise<string> {
  const { config = (one) => one, until, environment = [], remedy = '' } = attempt;
  const own = await rack.exec(board, ['cat', '/etc/bramble/config.yaml']);
  const shell = ['sh', '-c', SCRIPT, 'sh', until.source, remedy];
  return (await rack.tryExec(board, ['env', ...environment, 'unshare', '-m', ...shell], config(own))).stdout;
}

function token(config: string): string {
  return /^token: "(.*)"$/m.exec(config)?.[1] ?? '';
}

void t.test('a token of another cluster', LONG, async (t) => {
  const said = await tryToJoin('w1', {
    config: (config) => config.replace(token(config), formatToken(createToken(`sha256:${'0'.repeat(64)}`))),
    until: /no control board of this cluster has been heard of/,
  });
  t.match(said, /no control board of this cluster has been heard of/);
  t.match(said, /still-trying/);
});

void t.test('a token that the cluster never gave', LONG, async (t) => {
  const said = await tryToJoin('w1', {
    config: (config) => config.replace(token(config), token(config).replace(/.{16}$/, 'wrongwrongwrong1')),
    until: /the cluster does not take the token/,
  });
  t.match(said, /the cluster does not take the token/);
  t.match(said, /still-trying/);
  t.notMatch(said, /wrongwrongwrong1/, 'the token itself is not said');
});

void t.test("a worker's token on a board that would be a control board", LONG, async (t) => {
  const said = await tryToJoin('w1', {
    config: (config) => config.replace('role: worker', 'role: control'),
    until: /the token is not one for boards of this role/,
  });
  t.match(said, /the token is not one for boards of this role/);
  t.match(said, /still-trying/);
});

void t.test('an address that the board does not have', LONG, async (t) => {
  const said = await tryToJoin('w1', {
    config: (config) => `${config}\naddresses: { node: 192.0.2.7 }\n`.replace(/^addresses:\n( {2}.*\n)+/m, ''),
    until: /addresses\.node is 192\.0\.2\.7, which no interface of this board has/,
  });
  t.match(said, /addresses\.node is 192\.0\.2\.7, which no interface of this board has/);
  t.match(said, /still-trying/);
});

const [fakeTime] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
const skip = fakeTime === undefined ? 'libfaketime is not here: apt-get install faketime' : false;
/** Outside what an attempt hides of the board's own files. */
const LIBRARY = 'containerd/libfaketime.so.1';
const CLOCK = '/dev/shm/clock';

/** Tries to join while the clock is off by this, then with the clock set. */
async function joinByClock(board: string, offset: string, attempt: Attempt): Promise<string> {
  const card = join(boardPaths(rack.paths, board).persistent, LIBRARY);
  await copyFile(fakeTime ?? '', card);
  await rack.exec(board, ['sh', '-c', `echo "${offset}" >${CLOCK}`]);
  const environment = [
    `LD_PRELOAD=/var/lib/${LIBRARY}`,
    `FAKETIME_TIMESTAMP_FILE=${CLOCK}`,
    'FAKETIME_NO_CACHE=1',
    'FAKETIME_DONT_FAKE_MONOTONIC=1',
    ...(attempt.environment ?? []),
  ];
  try {
    return await tryToJoin(board, { ...attempt, environment, remedy: `echo +0 >${CLOCK}` });
  } finally {
    await rm(card, { force: true });
    await rack.exec(board, ['rm', '-f', CLOCK]);
  }
}

const YEARS = [
  { offset: '-2500d', why: /this board's clock says 20\d\d-\d\d-\d\d, before .*: set it/ },
  { offset: '+3200d', why: /the server's certificate has expired on .*, or this board's clock is ahead/ },
];

for (const { offset, why } of YEARS) {
  void t.test(`a new board with a clock that is off by ${offset}, until it is set`, { ...LONG, skip }, async (t) => {
    // A name that no board has: one that runs keeps its own.
    const config = (own: string): string => own.replace('name: "w1"', `name: "late${offset.slice(1)}"`);
    const said = await joinByClock('w1', offset, { config, until: why });
    t.match(said, why);
    t.match(said, /still-trying/);
    t.equal(said.split('"level":"warn"').length - 1, 1, 'one line says what is wrong');
    t.match(said, /has-joined/, 'once it is set');
  });

  void t.test(
    `a control board with a clock that is off by ${offset}, until it is set`,
    { ...LONG, skip },
    async (t) => {
      const said = await joinByClock('c2', offset, { until: why, environment: ['KEPT=1'] });
      t.match(said, why);
      t.match(said, /still-trying/);
      t.equal(said.split('"level":"warn"').length - 1, 1, 'one line says what is wrong');
      t.match(said, /has-joined/, 'once it is set');
      t.notMatch(said, /has expired","msg":"made|the clock was ahead/, 'no certificate is made by the wrong clock');
    },
  );
}
