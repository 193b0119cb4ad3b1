import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  type ControlKeys,
  createControlKeys,
  initCluster,
  readControlKeys,
  writeControlKeys,
} from '../../src/bootstrap/authorities.ts';
import {
  type DueCertificate,
  firstServiceAddress,
  localCertificates,
  renewLocalCertificates,
} from '../../src/bootstrap/board-certificates.ts';
import { type BoardConfig, checkBoardConfig } from '../../src/bootstrap/board-config.ts';
import { type BoardFiles, boardFiles, keyPair } from '../../src/bootstrap/board-files.ts';
import { checkClock, proveServer } from '../../src/bootstrap/discovery.ts';
import { controlKeysOf, dnsServiceAddress } from '../../src/bootstrap/publish.ts';
import { issue, publicKeyHash, readCertificate } from '../../src/host/pki.ts';

const NOW_MS = Date.now();
const DAY_MS = 86_400_000;

async function board(t: Test): Promise<BoardFiles> {
  const root = await mkdtemp(join(tmpdir(), 'bramble-board-'));
  t.teardown(async () => rm(root, { recursive: true }));
  return boardFiles(root);
}

function config(): BoardConfig {
  const { config: made } = checkBoardConfig(
    { name: 'c1', role: 'control', found: true, addresses: { api: '10.77.0.5' } },
    'c1',
  );
  if (made === undefined) throw new Error('the configuration of this test is wrong');
  return made;
}

void t.test('initCluster() called again gives the same tokens and keys', async (t) => {
  const files = await board(t);
  const first = await initCluster(files, NOW_MS);
  const keys = await readControlKeys(files);
  t.same(await initCluster(files, NOW_MS), first);
  t.same(await readControlKeys(files), keys);
  t.equal(first.control.caHash, publicKeyHash(keys?.cluster.certPem ?? ''));
  t.not(first.control.secret, first.worker.secret);
  for (const secret of [
    files.tokens,
    join(files.pki, 'ca.key'),
    join(files.pki, 'sa.key'),
    join(files.pki, 'store-ca.key'),
  ])
    t.equal((await stat(secret)).mode & 0o777, 0o600, `${secret} is for root only`);
});

void t.test('initCluster() refuses on a board that has joined another', async (t) => {
  const files = await board(t);
  await writeControlKeys(files, await createControlKeys(NOW_MS));
  await t.rejects(initCluster(files, NOW_MS), /has joined a cluster already/);
});

function summary({ certificate, why, isByDate }: DueCertificate): { name: string; why: string; isByDate: boolean } {
  return { name: certificate.name, why, isByDate };
}

void t.test('renewLocalCertificates() makes only what is missing, due or for other names', async (t) => {
  const files = await board(t);
  const keys = await createControlKeys(NOW_MS);
  const wanted = localCertificates(config(), '10.77.0.11');
  t.equal((await renewLocalCertificates(files, keys, wanted, NOW_MS)).length, wanted.length);
  t.same(
    await renewLocalCertificates(files, keys, wanted, NOW_MS + 240 * DAY_MS),
    [],
    'in the first two thirds nothing',
  );

  const moved = await renewLocalCertificates(files, keys, localCertificates(config(), '10.77.0.99'), NOW_MS);
  t.same(
    moved.map(({ certificate }) => certificate.name),
    ['store-server', 'store-peer', 'apiserver'],
    'another address: what carries it',
  );

  await writeFile(keyPair(files, 'scheduler').key, 'torn');
  const torn = await renewLocalCertificates(files, keys, localCertificates(config(), '10.77.0.99'), NOW_MS);
  t.same(torn.map(summary), [{ name: 'scheduler', why: 'it cannot be read', isByDate: false }]);

  const late = await renewLocalCertificates(
    files,
    keys,
    localCertificates(config(), '10.77.0.99'),
    NOW_MS + 700 * DAY_MS,
  );
  t.equal(late.length, wanted.length, 'a board that was off for two years');
  t.ok(late.every(({ why, isByDate }) => why === 'it has expired' && isByDate));

  const again = await renewLocalCertificates(files, keys, localCertificates(config(), '10.77.0.99'), NOW_MS);
  t.equal(again.length, wanted.length, 'its clock is set right');
  t.ok(again.every(({ why, isByDate }) => why === 'it was made while the clock was ahead' && isByDate));
});

void t.test(
  'localCertificates() keeps the store apart from the cluster, and powers apart from each other',
  async (t) => {
    const files = await board(t);
    const keys = await createControlKeys(NOW_MS);
    await renewLocalCertificates(files, keys, localCertificates(config(), '10.77.0.11'), NOW_MS);
    const facts = async (name: string) => readCertificate(await readFile(keyPair(files, name).cert, 'utf8'));
    const masters = [];
    for (const { name, subject } of localCertificates(config(), '10.77.0.11'))
      if (subject.organizations?.includes('system:masters') === true) masters.push(name);
    t.same(masters, ['admin']);

    const administrator = localCertificates(config(), '10.77.0.11').map((one) =>
      one.name === 'apiserver-kubelet-client'
        ? { ...one, subject: { ...one.subject, organizations: ['system:masters'] } }
        : one,
    );
    await renewLocalCertificates(files, keys, administrator, NOW_MS);
    const made = await renewLocalCertificates(files, keys, localCertificates(config(), '10.77.0.11'), NOW_MS);
    t.same(
      made.map(summary),
      [{ name: 'apiserver-kubelet-client', why: 'its subject has changed', isByDate: false }],
      'that of an earlier version goes',
    );
    const names = (await facts('store-server')).altNames;
    t.ok(names.includes('10.77.0.11') && names.includes('127.0.0.1'));
  },
);

void t.test('proveServer() believes only the authority of the token', async (t) => {
  const files = await board(t);
  const keys = await createControlKeys(NOW_MS);
  await renewLocalCertificates(files, keys, localCertificates(config(), '127.0.0.1'), NOW_MS);
  const pair = keyPair(files, 'apiserver');
  const server = createServer({ cert: await readFile(pair.cert), key: await readFile(pair.key) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;

  const caPem = await proveServer('127.0.0.1', port, publicKeyHash(keys.cluster.certPem));
  t.equal(publicKeyHash(caPem), publicKeyHash(keys.cluster.certPem));
  await t.rejects(proveServer('127.0.0.1', port, `sha256:${'0'.repeat(64)}`), /of another cluster/);
});

void t.test('proveServer() believes no other certificate of the same authority, and no server elsewhere', async (t) => {
  const { cluster: authority } = await createControlKeys(NOW_MS);
  const made = { authority, nowMs: NOW_MS, lifetimeMs: DAY_MS, altNames: ['127.0.0.1'] };
  const node = { commonName: 'system:node:w1', organizations: ['system:nodes'] };
  const api = { commonName: 'kube-apiserver' };
  const shown = [
    {
      ...made,
      subject: node,
      usages: ['server'] as const,
      why: /no API server: its certificate is that of system:node:w1/,
    },
    { ...made, subject: node, usages: ['client'] as const, why: /not one of a server/ },
    { ...made, subject: api, usages: ['server'] as const, altNames: ['10.77.0.11'], why: /does not match/ },
  ];
  for (const { why, ...options } of shown) {
    const { certPem, keyPem } = await issue(options);
    const server = createServer({ cert: certPem + authority.certPem, key: keyPem });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    await t.rejects(proveServer('127.0.0.1', port, publicKeyHash(authority.certPem)), why);
  }
});

void t.test('proveServer() tells a board whose clock is wrong from one that is at the wrong cluster', async (t) => {
  const files = await board(t);
  const keys = await createControlKeys(NOW_MS + 400 * DAY_MS);
  await renewLocalCertificates(files, keys, localCertificates(config(), '127.0.0.1'), NOW_MS + 400 * DAY_MS);
  const pair = keyPair(files, 'apiserver');
  const server = createServer({ cert: await readFile(pair.cert), key: await readFile(pair.key) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  await t.rejects(
    proveServer('127.0.0.1', port, publicKeyHash(keys.cluster.certPem)),
    /this board's clock says .*: set it/,
  );
});

void t.test("checkClock() doubts the board's clock when its cluster serves at another time", async (t) => {
  const serve = async (keys: ControlKeys, nowMs: number): Promise<{ address: string; port: number }> => {
    const files = await board(t);
    await renewLocalCertificates(files, keys, localCertificates(config(), '127.0.0.1'), nowMs);
    const pair = keyPair(files, 'apiserver');
    const server = createServer({ cert: await readFile(pair.cert), key: await readFile(pair.key) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    return { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
  };
  const keys = await createControlKeys(NOW_MS - 1_000 * DAY_MS);
  const caHash = publicKeyHash(keys.cluster.certPem);
  const [past, now, future] = [
    await serve(keys, NOW_MS - 900 * DAY_MS),
    await serve(keys, NOW_MS),
    await serve(keys, NOW_MS + 900 * DAY_MS),
  ];
  const stranger = await serve(await createControlKeys(NOW_MS), NOW_MS - 900 * DAY_MS);
  const off = { address: '127.0.0.1', port: 1 };

  await t.rejects(checkClock([off, past], caHash), /has expired on .*, or this board's clock is ahead/);
  await t.rejects(checkClock([future], caHash), /this board's clock says .*: set it/);
  await checkClock([past, now, future], caHash);
  await checkClock([off, stranger], caHash);
  await checkClock([], caHash);
  t.pass('one that is right is enough, and so is nobody');
});

void t.test('controlKeysOf() refuses a Secret that is not whole', (t) => {
  const data = (value: object) => ({ keys: Buffer.from(JSON.stringify(value)).toString('base64') });
  t.throws(() => controlKeysOf({ apiVersion: 'v1', kind: 'Secret', data: data({ cluster: {} }) }), /not whole/);
  t.end();
});

void t.test('addresses of the service range', (t) => {
  t.equal(firstServiceAddress('10.96.0.0/12'), '10.96.0.1');
  t.equal(firstServiceAddress('10.43.7.9/16'), '10.43.0.1', 'the base may be any address of the range');
  t.equal(dnsServiceAddress('10.96.0.0/12'), '10.96.0.10');
  t.end();
});
