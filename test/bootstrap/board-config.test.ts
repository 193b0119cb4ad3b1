import t from 'tap';
import { checkBoardConfig, CONTROL_TAINT } from '../../src/bootstrap/board-config.ts';
import { createToken, formatToken, parseToken } from '../../src/bootstrap/token.ts';

const TOKEN = formatToken(createToken(`sha256:${'a'.repeat(64)}`));

void t.test('checkBoardConfig() fills in what is not said', (t) => {
  const { config, wrong } = checkBoardConfig({ role: 'control', token: TOKEN }, 'C1');
  t.same(wrong, []);
  t.match(config, {
    name: 'c1',
    role: 'control',
    found: false,
    clusterCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/12',
    clusterDomain: 'cluster.local',
    taints: [CONTROL_TAINT],
  });
  t.same(
    checkBoardConfig({ role: 'control', token: TOKEN, taints: [] }, 'c1').config?.taints,
    [],
    'a control board may work',
  );
  t.same(checkBoardConfig({ role: 'worker', token: TOKEN }, 'w1').config?.taints, []);
  t.end();
});

void t.test('checkBoardConfig() names every wrong setting, and never the token', (t) => {
  const secret = 'bramble1.not-a-token';
  const { config, wrong } = checkBoardConfig(
    {
      role: 'king',
      token: secret,
      tokn: 1,
      taints: [{}],
      addresses: { api: 'x', node: 7 },
      name: 'Ä',
      found: 'yes',
      evictionHard: 'much',
    },
    'h',
  );
  t.equal(config, undefined);
  for (const part of [
    /'tokn'/,
    /role must be/,
    /token must be/,
    /a taint needs/,
    /addresses\.api/,
    /addresses\.node/,
    /name must/,
    /evictionHard must/,
    /found must/,
  ])
    t.ok(
      wrong.some((line) => part.test(line)),
      String(part),
    );
  t.notOk(wrong.join('').includes(secret));
  t.match(checkBoardConfig('x', 'h').wrong[0], /the file must be a map/);
  t.match(checkBoardConfig({ role: 'worker', found: true, token: TOKEN }, 'h').wrong[0], /cannot found/);
  t.end();
});

void t.test('parseToken() takes what formatToken() gave and nothing else', (t) => {
  const token = createToken(`sha256:${'0f'.repeat(32)}`);
  t.same(parseToken(`${formatToken(token)}\n`), token);
  for (const bad of ['', 'abcdef.0123456789abcdef', formatToken(token).slice(1), `${formatToken(token)}x`])
    t.equal(parseToken(bad), undefined, bad);
  t.end();
});
