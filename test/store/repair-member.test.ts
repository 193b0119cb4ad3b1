import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { StoreCluster, until } from './store-cluster.ts';
import type { MemberProcess } from './store-cluster.ts';

t.setTimeout(180_000);

const b = (text: string): Buffer => Buffer.from(text);

/** Flips a bit in the middle of what the member has acknowledged. */
function damageLog(member: MemberProcess): void {
  const folder = join(member.dataDir, 'member');
  const segments = readdirSync(folder).filter((name) => name.startsWith('segment-'));
  const path = join(folder, segments.toSorted((a, b) => Number(a.slice(8)) - Number(b.slice(8)))[0] ?? '');
  const bytes = readFileSync(path);
  const at = 4096 + 40; // within the first batch; others follow
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

void t.test(
  'a member whose log is damaged in the middle comes back by itself as a new member with all data',
  { timeout: 60_000 },
  async (t) => {
    const cluster = await StoreCluster.create(['a', 'b', 'c']);
    t.teardown(() => cluster.close());
    await Promise.all(cluster.members.map((member) => cluster.start(member)));
    const client = cluster.client();
    for (let i = 0; i < 50; i += 1) await client.put({ key: b(`w/${i}`), value: Buffer.alloc(1000, i) });
    const victim = await cluster.leader(); // the one that has acknowledged most
    const others = cluster.members.filter((member) => member !== victim);
    const idOf = async (name: string) => (await client.memberList()).find((one) => one.name === name);
    const before = await idOf(victim.name);
    await cluster.kill(victim);
    damageLog(victim);
    const [other] = others;
    if (other === undefined) throw new Error('no other member');
    await cluster.kill(other);
    const starting = cluster.start(victim);
    const aside = join(victim.dataDir, 'member.damaged');
    await until('the damage is set aside', async () => existsSync(aside));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    t.notOk(
      existsSync(join(victim.dataDir, 'member', 'identity.json')),
      'alone with one other: it waits, and has no vote',
    );
    await cluster.start(other);
    await starting;
    await until(
      'it votes again',
      async () => {
        const now = await idOf(victim.name);
        return now !== undefined && !now.isLearner && now.id !== before?.id;
      },
      20_000,
    );
    await until('what was set aside is gone', async () => !existsSync(aside));
    t.equal((await client.memberList()).length, 3);
    const local = cluster.client([victim]);
    t.equal((await local.range({ key: b('w/'), rangeEnd: b('w0'), countOnly: true })).count, 50);
    t.equal(await cluster.hashOf(victim), await cluster.hashOf(other));
    // It counts: with another one away, it and the third are a majority.
    await cluster.kill(other);
    await client.put({ key: b('after') });
    await cluster.kill(victim);
    await cluster.start(victim);
    t.equal((await local.range({ key: b('after') })).count, 1, 'and it starts again as any other');
  },
);

void t.test('a lone member whose log is damaged ends, and leaves it as it is', { timeout: 30_000 }, async (t) => {
  const cluster = await StoreCluster.create(['a']);
  t.teardown(() => cluster.close());
  const [a] = cluster.members;
  if (a === undefined) throw new Error('no member');
  await cluster.start(a);
  const client = cluster.client();
  for (let i = 0; i < 5; i += 1) await client.put({ key: b(`w/${i}`) });
  await cluster.kill(a);
  damageLog(a);
  await t.rejects(cluster.start(a), { message: '"a" ended with 1' });
  t.notOk(existsSync(join(a.dataDir, 'member.damaged')));
});
