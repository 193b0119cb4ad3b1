import { writeFile } from 'node:fs/promises';
import { exec, execAny } from '../host/exec.ts';
import { readFileIfThere } from '../host/file.ts';
import { HOST_TABLE, hostRuleset } from './host-ruleset.ts';
import type { Layout } from './layout.ts';
import { RackError } from './rack-error.ts';
import { overlaps, parseSubnet } from './subnet.ts';

/**
 * The boards' switch: a bridge in a network namespace of its own. On this machine itself its firewall (Docker's, for one,
 * through br_netfilter) would judge what boards say to each other, which a switch on a shelf does not.
 */
export const SWITCH_NAMESPACE = 'bramble-rack';

/** The cable between this machine and the switch; this machine's end carries its address in the boards' network. */
const HOST_LINK = 'bramble-rack0';
const BRIDGE = 'rack0';
const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward';

/** The folder of the rack whose network is on this machine, be it of this checkout or of another; null for none. */
export async function findRackOwner(signal: AbortSignal): Promise<string | null> {
  const { code, stdout } = await execAny(['ip', '-j', 'link', 'show', 'dev', HOST_LINK], { signal });
  if (code !== 0) return null;
  const [link] = JSON.parse(stdout) as { ifalias?: string }[];
  return link?.ifalias ?? '';
}

/** Whether this machine forwards packets now: to be remembered before the rack comes, for `removeHostNetwork`. */
export async function isForwarding(): Promise<boolean> {
  return (await readFileIfThere(IP_FORWARD))?.trim() === '1';
}

/**
 * Lays the cables, anew whatever is there: not while a board is on, which would lose its own.
 *
 * @throws RackError when something else on this machine has an address in the boards' network
 */
export async function makeHostNetwork(
  layout: Layout,
  apiPort: number | null,
  owner: string,
  signal: AbortSignal,
): Promise<void> {
  await removeLinks(signal);
  await refuseTakenSubnet(layout, signal);
  const inSwitch = ['ip', '-n', SWITCH_NAMESPACE];
  const commands = [
    ['ip', 'netns', 'add', SWITCH_NAMESPACE],
    [...inSwitch, 'link', 'set', 'lo', 'up'],
    // No snooping and no forward delay: what a cheap switch on a shelf does, mDNS included.
    [...inSwitch, 'link', 'add', BRIDGE, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0'],
    [...inSwitch, 'link', 'set', BRIDGE, 'up'],
    ['ip', 'link', 'add', HOST_LINK, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', SWITCH_NAMESPACE],
    ['ip', 'link', 'set', HOST_LINK, 'alias', owner],
    [...inSwitch, 'link', 'set', 'uplink', 'master', BRIDGE, 'up'],
    ['ip', 'addr', 'add', `${layout.hostAddress}/${layout.prefixLength}`, 'dev', HOST_LINK],
    ['ip', 'link', 'set', HOST_LINK, 'up'],
  ];
  for (const argv of commands) await exec(argv, { signal });
  await writeFile(IP_FORWARD, '1');
  // The way back to a client on 127.0.0.1, for the forwarded port.
  if (apiPort !== null) await writeFile(`/proc/sys/net/ipv4/conf/${HOST_LINK}/route_localnet`, '1');
  await exec(['nft', '-f', '-'], { input: hostRuleset(layout, apiPort), signal });
}

/** Takes the cables away, and the table; forwarding goes back to what it was. */
export async function removeHostNetwork(wasForwarding: boolean, signal: AbortSignal): Promise<void> {
  await removeLinks(signal);
  await execAny(['nft', 'delete', 'table', ...HOST_TABLE.split(' ')], { signal });
  if (!wasForwarding) await writeFile(IP_FORWARD, '0');
}

/** Takes away a board's end of its cable in the switch: the kernel does so too, but not before the next board may boot. */
export async function removeBoardLink(board: string, signal: AbortSignal): Promise<void> {
  await execAny(['ip', '-n', SWITCH_NAMESPACE, 'link', 'delete', boardLink(board)], { signal });
}

/** Pulls a board's network cable, or puts it back: it runs on and hears nothing. */
export async function setBoardLink(board: string, state: 'up' | 'down', signal: AbortSignal): Promise<void> {
  await exec(['ip', '-n', SWITCH_NAMESPACE, 'link', 'set', boardLink(board), state], { signal });
}

/** The switch's end of a board's cable, named by nspawn. */
function boardLink(board: string): string {
  return `vb-bramble-${board}`;
}

async function removeLinks(signal: AbortSignal): Promise<void> {
  await execAny(['ip', 'link', 'delete', HOST_LINK], { signal });
  await execAny(['ip', 'netns', 'delete', SWITCH_NAMESPACE], { signal });
}

async function refuseTakenSubnet(layout: Layout, signal: AbortSignal): Promise<void> {
  const { stdout } = await exec(['ip', '-j', '-4', 'route', 'show', 'table', 'main'], { signal });
  const wanted = parseSubnet(layout.subnet);
  for (const { dst, dev } of JSON.parse(stdout) as { dst: string; dev?: string }[]) {
    if (dst === 'default') continue;
    if (overlaps(wanted, parseSubnet(dst.includes('/') ? dst : `${dst}/32`))) {
      throw new RackError(`${layout.subnet} is in use here (${dst} on ${dev}): choose another with --subnet`);
    }
  }
}
