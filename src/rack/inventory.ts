import type { Layout } from './layout.ts';

/** Where things are as the playbook sees them, which runs in a root of its own: see provision.ts. */
export interface InventoryPlaces {
  readonly privateKey: string;
  readonly knownHosts: string;
  readonly imageArchive: string;
  readonly imageNames: readonly string[];
}

/** The Ansible inventory of a rack, as JSON (which is YAML): the same groups and variables as of real boards. */
export function renderInventory(layout: Layout, places: InventoryPlaces): string {
  const hostsOf = (role: 'control' | 'worker'): object =>
    Object.fromEntries(
      layout.boards
        .filter((board) => board.role === role)
        .map(({ name, address }) => [name, { ansible_host: address }]),
    );
  const vars = {
    ansible_user: 'root',
    ansible_ssh_private_key_file: places.privateKey,
    ansible_ssh_common_args: `-o UserKnownHostsFile=${places.knownHosts} -o StrictHostKeyChecking=yes`,
    bramble_api_address: layout.apiAddress,
    // All boards are on one machine's disk: how full that is must not evict pods.
    bramble_eviction_hard: 'memory.available<100Mi,pid.available<5%',
    bramble_image_archive: places.imageArchive,
    bramble_image_names: places.imageNames,
  };
  const inventory = {
    all: { vars },
    control: { hosts: hostsOf('control') },
    workers: { hosts: hostsOf('worker') },
  };
  return `${JSON.stringify(inventory, null, 2)}\n`;
}

/** Lines of a known_hosts file: each board's host key at its address and name. */
export function renderKnownHosts(layout: Layout, publicKeys: ReadonlyMap<string, string>): string {
  return layout.boards
    .map(({ name, address }) => `${address},${name} ${publicKeys.get(name)?.trim() ?? ''}\n`)
    .join('');
}
