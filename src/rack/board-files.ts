import type { Board, Layout } from './layout.ts';

/** A file or link to lay over the base tree before a board is switched on. */
export type BoardFile =
  | { readonly path: string; readonly text: string; readonly mode: number }
  | { readonly path: string; readonly linkTo: string };

/** What differs from board to board, and is made once per board. */
export interface OwnIdentity {
  readonly machineId: string;
  /** The board's ssh host key, in OpenSSH's format. */
  readonly hostKey: string;
  readonly hostPublicKey: string;
}

/** What all boards of a rack are told alike. */
export interface CommonIdentity {
  /** The key that may log in as root. */
  readonly authorizedKey: string;
  readonly nameservers: readonly string[];
}

const CGROUPS_UNIT = `[Unit]
Description=Controllers of this board's control groups, writable
# Only where the machine below has cgroup v1: nspawn then mounts all but systemd's own hierarchy read-only, and runc
# could not set a limit. With v2 the board's tree is delegated as a whole.
ConditionPathIsDirectory=/sys/fs/cgroup/memory
DefaultDependencies=no
Before=containerd.service sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for dir in /sys/fs/cgroup/*/; do mount -o remount,bind,rw "$dir"; done'

[Install]
WantedBy=sysinit.target
`;

/** Files of a blank board: a name, an address, a key to log in with; nothing of Bramble, which Ansible brings. */
export function boardFiles(layout: Layout, board: Board, identity: OwnIdentity & CommonIdentity): BoardFile[] {
  const file = (path: string, text: string, mode = 0o644): BoardFile => ({ path, text, mode });
  return [
    file('etc/hostname', `${board.name}\n`),
    file('etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${board.name}\n::1 localhost ip6-localhost ip6-loopback\n`),
    file('etc/machine-id', `${identity.machineId}\n`, 0o444),
    file('etc/resolv.conf', identity.nameservers.map((address) => `nameserver ${address}\n`).join('')),
    file('etc/systemd/network/10-host0.network', networkFile(layout, board)),
    file('etc/ssh/ssh_host_ed25519_key', identity.hostKey, 0o600),
    file('etc/ssh/ssh_host_ed25519_key.pub', identity.hostPublicKey),
    // No PAM: there is no second way in, and a login is 30 ms faster, which Ansible pays per task and board.
    file('etc/ssh/sshd_config.d/10-rack.conf', 'UsePAM no\nPasswordAuthentication no\nMaxSessions 100\n'),
    file('root/.ssh/authorized_keys', identity.authorizedKey, 0o600),
    // Kept over a pulled plug, so that what a board said before can be read after.
    file('etc/systemd/journald.conf.d/10-rack.conf', '[Journal]\nStorage=persistent\nSystemMaxUse=64M\n'),
    file('etc/systemd/system/bramble-rack-cgroups.service', CGROUPS_UNIT),
    {
      path: 'etc/systemd/system/sysinit.target.wants/bramble-rack-cgroups.service',
      linkTo: '../bramble-rack-cgroups.service',
    },
  ];
}

function networkFile(layout: Layout, board: Board): string {
  return [
    '[Match]',
    'Name=host0',
    '[Link]',
    `MACAddress=${board.mac}`,
    '[Network]',
    `Address=${board.address}/${layout.prefixLength}`,
    `Gateway=${layout.hostAddress}`,
    'LinkLocalAddressing=ipv6',
    'IPv6AcceptRA=no',
    'LLMNR=no',
    // The pod network's routes are put there by the agent: networkd must not take them for leftovers and remove them.
    'KeepConfiguration=yes',
    '',
  ].join('\n');
}

/** Addresses of name servers in a resolv.conf that a board can reach too: not those on this machine's loopback. */
export function reachableNameservers(resolvConf: string): string[] {
  return [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map(([, address = '']) => address)
    .filter((address) => /^\d+\./.test(address) && !address.startsWith('127.'));
}
