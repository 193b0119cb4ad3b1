import { connect, type ClientHttp2Session } from 'node:http2';
import { createInterface } from 'node:readline';
import t from 'tap';
import { call } from './http-client.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

interface Item {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion: string;
    readonly labels?: Record<string, string>;
  };
}
interface Event {
  readonly type: string;
  readonly object: Item;
}

/** Small and repeatable: the same sequence on each run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state % below;
  };
}

class Replica {
  readonly state = new Map<string, string>();
  readonly wrong: string[] = [];
  #revision = 0;

  apply({ type, object }: Event): void {
    const { name, resourceVersion } = object.metadata;
    if (Number(resourceVersion) < this.#revision) this.wrong.push(`${name} went back to ${resourceVersion}`);
    this.#revision = Number(resourceVersion);
    if (type === 'BOOKMARK') return;
    if (type === 'ADDED' && this.state.has(name)) this.wrong.push(`${name} was added twice`);
    if (type !== 'ADDED' && !this.state.has(name)) this.wrong.push(`${name}: ${type} of what was never there`);
    if (type === 'DELETED') this.state.delete(name);
    else this.state.set(name, resourceVersion);
  }

  /** Events are in: up to this revision. */
  get revision(): number {
    return this.#revision;
  }
}

function watch(session: ClientHttp2Session, query: string, replica: Replica): () => void {
  const stream = session.request({ ':path': `${CONFIG_MAPS}?watch=true&allowWatchBookmarks=true&${query}` });
  stream.on('error', () => undefined);
  createInterface({ input: stream }).on('line', (line) => replica.apply(JSON.parse(line) as Event));
  return () => stream.close();
}

async function items(cluster: TestCluster, query: string): Promise<{ items: Item[]; revision: string }> {
  const { json } = await call(cluster, 'GET', `${CONFIG_MAPS}?${query}`);
  const list = json as unknown as { items: Item[]; metadata: { resourceVersion: string } };
  return { items: list.items, revision: list.metadata.resourceVersion };
}

function expected({ items: all }: { items: Item[] }): Record<string, string> {
  return Object.fromEntries(all.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
}

async function write(cluster: TestCluster, random: (below: number) => number): Promise<void> {
  const name = `c${random(12)}`;
  const labels = { side: random(2) === 0 ? 'left' : 'right' };
  const headers = { 'content-type': 'application/merge-patch+json' };
  const done = await call(cluster, 'PATCH', `${CONFIG_MAPS}/${name}`, {
    body: { metadata: { labels }, data: { n: String(random(1e6)) } },
    headers,
  });
  if (done.code === 404) await call(cluster, 'POST', CONFIG_MAPS, { body: { metadata: { name, labels } } });
  else if (random(3) === 0) await call(cluster, 'DELETE', `${CONFIG_MAPS}/${name}`);
}

void t.test('what watches tell adds up to what lists say, whatever they begin from and select', async (t) => {
  const cluster = await startTestCluster();
  const session = connect(cluster.url, { ca: cluster.ca, cert: cluster.admin.certPem, key: cluster.admin.keyPem });
  t.teardown(async () => {
    session.destroy();
    await cluster.close();
  });
  const random = randomFrom(7);
  for (let i = 0; i < 20; i += 1) await write(cluster, random);

  const all = new Replica();
  const left = new Replica();
  const streamed = new Replica();
  const first = await items(cluster, '');
  for (const object of first.items)
    all.apply({
      type: 'ADDED',
      object: { metadata: { ...object.metadata, resourceVersion: object.metadata.resourceVersion } },
    });
  all.wrong.length = 0; // a list is in the order of names
  const stops = [
    watch(session, `resourceVersion=${first.revision}`, all),
    watch(session, 'labelSelector=side%3Dleft&sendInitialEvents=true&resourceVersionMatch=NotOlderThan', left),
  ];
  const writers = [11, 13, 17].map(async (seed) => {
    const own = randomFrom(seed);
    for (let i = 0; i < 60; i += 1) await write(cluster, own);
  });
  stops.push(watch(session, 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan', streamed));
  await Promise.all(writers);
  for (const name of ['zz'])
    await call(cluster, 'POST', CONFIG_MAPS, { body: { metadata: { name, labels: { side: 'left' } } } });
  const last = await items(cluster, '');
  for (let i = 0; i < 100 && [all, left, streamed].some(({ state }) => !state.has('zz')); i += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  for (const stop of stops) stop();

  t.same(Object.fromEntries(all.state), expected(last));
  t.same(Object.fromEntries(streamed.state), expected(last));
  t.same(Object.fromEntries(left.state), expected(await items(cluster, 'labelSelector=side%3Dleft')));
  t.same(all.wrong, []);
  t.same(
    left.wrong.filter((line) => !line.includes('went back')),
    [],
    'initial events are in the order of names',
  );
  t.ok(all.revision > 0);
});
