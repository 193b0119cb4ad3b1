import { execFileSync, spawnSync } from 'node:child_process';

/** Whether this machine lets a test make network namespaces with nftables in them: root, ip and nft. */
export function canMakeNamespaces(): boolean {
  if (process.getuid?.() !== 0 || spawnSync('nft', ['--version']).status !== 0) return false;
  const name = `bramble-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return false;
  return spawnSync('ip', ['netns', 'delete', name]).status === 0;
}

/** A network namespace of a test's own. Names must be unique on the machine: begin them with the test's process id. */
export class NetworkNamespace {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
    execFileSync('ip', ['netns', 'add', name]);
    this.run('ip link set lo up');
  }

  /** What goes before a command to run it here. */
  get prefix(): string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Runs a command here, its words separated by spaces, and gives its output. Throws when it fails. */
  run(command: string): string {
    const [program = '', ...args] = [...this.prefix, ...command.split(' ')];
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** A veth pair: `own` here, `peer` in the other namespace, both up; addresses with prefix length. */
  connect(
    own: { device: string; address?: string },
    other: NetworkNamespace,
    peer: { device: string; address?: string },
  ): void {
    this.run(`ip link add ${own.device} type veth peer name ${peer.device} netns ${other.name}`);
    for (const [namespace, { device, address }] of [
      [this, own],
      [other, peer],
    ] as const) {
      if (address !== undefined) namespace.run(`ip address add ${address} dev ${device}`);
      namespace.run(`ip link set ${device} up`);
    }
  }

  delete(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }
}
