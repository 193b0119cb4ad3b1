import { until, type Rack } from './harness.ts';

/**
 * Waits until all boards have renewed their Leases since this moment by the clock that this machine shares with them, and
 * their Nodes are Ready. What a Node said before its plug was pulled counts for nothing.
 */
export async function aliveSince(rack: Rack, sinceMs: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const names = rack.layout.boards.map(({ name }) => name);
  const read = async (path: string): Promise<Item[]> =>
    (JSON.parse(await rack.kubectl(['get', '--raw', path, '--request-timeout=3s'])) as { items: Item[] }).items;
  await until(
    `${names.join(' ')} are Ready and renew their Leases`,
    async () => {
      const leases = await read('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases');
      const nodes = await read('/api/v1/nodes');
      const isReady = ({ status }: Item): boolean =>
        status?.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
      const of = (name: string) => (item: Item) => item.metadata.name === name;
      return names.every(
        (name) =>
          Date.parse(leases.find(of(name))?.spec?.renewTime ?? '') > sinceMs && nodes.filter(of(name)).some(isReady),
      );
    },
    { timeoutMs, everyMs: 500, signal },
  );
}

interface Item {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly renewTime?: string };
  readonly status?: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
}
