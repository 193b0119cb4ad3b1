import t from 'tap';
import { createToken, formatToken } from '../../src/bootstrap/token.ts';
import { openRack, type Rack } from './harness.ts';

/** Boards that cannot join say why in one line, and keep trying. */

const { signal } = new AbortController();
const LONG = { timeout: 120_000 };
t.setTimeout(LONG.timeout);
const rack: Rack = await openRack('cluster', signal);

/** What `bramble join` says on w1 in five seconds, with this configuration in place of its own and nothing on its disk. */
async function joinWith(change: (config: string) => string): Promise<string> {
  const config = await rack.exec('w1', ['cat', '/etc/bramble/config.yaml']);
  const script = [
    'mount -t tmpfs tmpfs /etc/bramble',
    'mount -t tmpfs tmpfs /var/lib/bramble',
    'cat > /etc/bramble/config.yaml',
    'timeout 5 bramble join; test $? = 124 && echo still-trying',
  ].join(' && ');
  const { stdout } = await rack.tryExec('w1', ['unshare', '-m', 'sh', '-c', script], change(config));
  return stdout;
}

function token(config: string): string {
  return /^token: "(.*)"$/m.exec(config)?.[1] ?? '';
}

void t.test('a token of another cluster', LONG, async (t) => {
  const said = await joinWith((config) =>
    config.replace(token(config), formatToken(createToken(`sha256:${'0'.repeat(64)}`))),
  );
  t.match(said, /no control board of this cluster has been heard of/);
  t.match(said, /still-trying/);
});

void t.test('a token that the cluster never gave', LONG, async (t) => {
  const said = await joinWith((config) =>
    config.replace(token(config), token(config).replace(/.{16}$/, 'wrongwrongwrong1')),
  );
  t.match(said, /the cluster does not take the token/);
  t.match(said, /still-trying/);
  t.notMatch(said, /wrongwrongwrong1/, 'the token itself is not said');
});

void t.test("a worker's token on a board that would be a control board", LONG, async (t) => {
  const said = await joinWith((config) => config.replace('role: worker', 'role: control'));
  t.match(said, /the token is not one for boards of this role/);
  t.match(said, /still-trying/);
});

void t.test('an address that the board does not have', LONG, async (t) => {
  const said = await joinWith((config) =>
    `${config}\naddresses: { node: 192.0.2.7 }\n`.replace(/^addresses:\n( {2}.*\n)+/m, ''),
  );
  t.match(said, /addresses\.node is 192\.0\.2\.7, which no interface of this board has/);
  t.match(said, /still-trying/);
});
