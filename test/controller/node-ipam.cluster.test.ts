import t from 'tap';
import { coreEvents, nodes } from '../../src/client/resources.ts';
import { startRealCluster, until } from './real-cluster.ts';

const LONG = { timeout: 100_000 };
t.setTimeout(LONG.timeout);

void t.test('300 Nodes and 256 networks: none is given twice, what is freed is given again', LONG, async (t) => {
  const { admin, restart } = await startRealCluster(t, { boards: [] });
  const names = Array.from({ length: 300 }, (_none, index) => `n${index}`);
  const cidrs = async (): Promise<string[]> =>
    (await admin.list(nodes)).items.map(({ spec }) => spec?.podCIDR ?? '').filter((cidr) => cidr !== '');
  const create = async (name: string) => admin.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  await Promise.all(names.slice(0, 150).map(create));
  await restart();
  await Promise.all(names.slice(150).map(create));
  await until(async () => (await cidrs()).length === 256, 60_000);
  t.equal(new Set(await cidrs()).size, 256);
  t.match(await cidrs().then(([one]) => one), /^10\.244\.\d+\.0\/24$/);
  const events = async () => (await admin.list(coreEvents, { fieldSelector: 'reason=CIDRNotAvailable' })).items;
  await until(async () => (await events()).length > 0);
  t.match((await events())[0]?.message, /^Node n\d+ status is now: CIDRNotAvailable$/);
  const victim = (await admin.list(nodes)).items.find(({ spec }) => spec?.podCIDR === '10.244.7.0/24')?.metadata?.name;
  await admin.delete(nodes, { namespace: '', name: victim ?? '' });
  await until(async () => (await cidrs()).includes('10.244.7.0/24'), 10_000);
  t.equal(new Set(await cidrs()).size, 256);
});
