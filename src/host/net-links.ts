import { readFile, writeFile } from 'node:fs/promises';
import { exec, execAny, ExecError } from './exec.ts';

/** A network interface. */
export interface Link {
  readonly name: string;
  readonly mtu: number;
  readonly mac: string;
  readonly isUp: boolean;
  /** IPv4 addresses with the length of their prefix. */
  readonly addresses: readonly { readonly address: string; readonly prefixLength: number }[];
}

/** A route of the main table. */
export interface Route {
  /** As `10.244.2.0/24`. */
  readonly destination: string;
  readonly gateway: string;
  readonly device: string;
  /** The gateway is a neighbour there, though no address of the interface says so. */
  readonly isOnLink?: boolean;
}

/** The kernel's interfaces, addresses and routes, as far as we use them. */
export interface NetLinks {
  links(signal: AbortSignal): Promise<readonly Link[]>;
  /** A bridge that is up and has the MAC, the MTU and the address. One that is there already is adapted. */
  ensureBridge(bridge: BridgeOptions, signal: AbortSignal): Promise<void>;
  /** Routes that were added with this protocol number, the mark by which we know our own. */
  routes(protocol: number, signal: AbortSignal): Promise<readonly Route[]>;
  putRoute(route: Route, protocol: number, signal: AbortSignal): Promise<void>;
  /** Removing what is not there is no error. */
  removeRoute(route: Route, protocol: number, signal: AbortSignal): Promise<void>;
  /** Adds or renews a `/32` address that the kernel takes away by itself after `validSeconds`. */
  putAddress(address: string, device: string, validSeconds: number, signal: AbortSignal): Promise<void>;
  /** Removing what is not there is no error. */
  removeAddress(address: string, device: string, signal: AbortSignal): Promise<void>;
  /** Tells the neighbours by gratuitous ARP (RFC 5227 section 3) who has the address now. */
  announce(address: string, device: string, signal: AbortSignal): Promise<void>;
  /** Sets `net.ipv4.ip_forward` and the like. False when the kernel has no such setting. */
  setSysctl(name: string, value: string): Promise<boolean>;
}

export interface BridgeOptions {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly address: string;
  readonly prefixLength: number;
}

/**
 * NetLinks by iproute2 and arping.
 *
 * @param prefix put before each command, as `ip netns exec <name>` to work in another network namespace
 */
export function createNetLinks(prefix: readonly string[] = []): NetLinks {
  return new IproutePrograms(prefix);
}

/** What `ip` says when a thing to be removed is not there; the words differ by kernel and version. */
const NOT_THERE = /Address not found|Cannot assign requested address|No such process|Cannot find device|does not exist/;

interface ListedLink {
  readonly ifname: string;
  readonly mtu: number;
  readonly address?: string;
  readonly flags: readonly string[];
  readonly addr_info?: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[];
}

class IproutePrograms implements NetLinks {
  readonly #prefix: readonly string[];

  constructor(prefix: readonly string[]) {
    this.#prefix = prefix;
  }

  async links(signal: AbortSignal): Promise<readonly Link[]> {
    const listed = JSON.parse(await this.#ip(['-j', 'address', 'show'], signal)) as ListedLink[];
    return listed
      .filter(({ ifname }) => ifname !== undefined) // ip prints an empty object per interface it leaves out
      .map(({ ifname, mtu, address = '', flags, addr_info = [] }) => ({
        name: ifname,
        mtu,
        mac: address,
        isUp: flags.includes('UP'),
        addresses: addr_info
          .filter(({ family }) => family === 'inet')
          .map(({ local, prefixlen }) => ({ address: local, prefixLength: prefixlen })),
      }));
  }

  async ensureBridge({ name, mac, mtu, address, prefixLength }: BridgeOptions, signal: AbortSignal): Promise<void> {
    const before = (await this.links(signal)).find((link) => link.name === name);
    if (before === undefined) await this.#ip(['link', 'add', name, 'type', 'bridge'], signal);
    for (const old of before?.addresses ?? []) {
      if (old.address === address && old.prefixLength === prefixLength) continue;
      await this.#ip(['address', 'delete', `${old.address}/${old.prefixLength}`, 'dev', name], signal);
    }
    // A MAC of its own: else it takes that of its lowest port, and pods keep sending to one that is gone.
    if (before?.mac !== mac) await this.#ip(['link', 'set', name, 'address', mac], signal);
    if (before?.mtu !== mtu) await this.#ip(['link', 'set', name, 'mtu', String(mtu)], signal);
    const hasAddress = before?.addresses.some((old) => old.address === address && old.prefixLength === prefixLength);
    if (hasAddress !== true) await this.#ip(['address', 'replace', `${address}/${prefixLength}`, 'dev', name], signal);
    if (before?.isUp !== true) await this.#ip(['link', 'set', name, 'up'], signal);
  }

  async routes(protocol: number, signal: AbortSignal): Promise<readonly Route[]> {
    const listed = JSON.parse(await this.#ip(['-j', 'route', 'show', 'proto', String(protocol)], signal)) as {
      dst: string;
      gateway?: string;
      dev: string;
      flags?: readonly string[];
    }[];
    return listed.map(({ dst, gateway = '', dev, flags = [] }) => ({
      destination: dst,
      gateway,
      device: dev,
      ...(flags.includes('onlink') ? { isOnLink: true } : {}),
    }));
  }

  async putRoute(route: Route, protocol: number, signal: AbortSignal): Promise<void> {
    const { destination, gateway, device, isOnLink } = route;
    const flags = ['proto', String(protocol), ...(isOnLink === true ? ['onlink'] : [])];
    await this.#ip(['route', 'replace', destination, 'via', gateway, 'dev', device, ...flags], signal);
  }

  async removeRoute({ destination, gateway, device }: Route, protocol: number, signal: AbortSignal): Promise<void> {
    const route = ['route', 'delete', destination, 'via', gateway, 'dev', device, 'proto', String(protocol)];
    await this.#ipRemoving(route, signal);
  }

  async putAddress(address: string, device: string, validSeconds: number, signal: AbortSignal): Promise<void> {
    const lifetime = ['valid_lft', String(validSeconds), 'preferred_lft', '0'];
    await this.#ip(['address', 'replace', `${address}/32`, 'dev', device, ...lifetime], signal);
  }

  async removeAddress(address: string, device: string, signal: AbortSignal): Promise<void> {
    await this.#ipRemoving(['address', 'delete', `${address}/32`, 'dev', device], signal);
  }

  async announce(address: string, device: string, signal: AbortSignal): Promise<void> {
    const argv = [...this.#prefix, 'arping', '-q', '-U', '-c', '1', '-I', device, address];
    const { code, stderr } = await execAny(argv, { signal, timeoutMs: 5000 });
    if (code !== 127 && !/No such file/.test(stderr)) return; // it ends with 1 when nobody answered, as nobody should
    // Without arping: an interface whose MAC is set, to the same, tells its neighbours (arp_notify, ip-sysctl).
    const link = (await this.links(signal)).find(({ name }) => name === device);
    await this.setSysctl(`net.ipv4.conf.${device}.arp_notify`, '1');
    if (link !== undefined) await this.#ip(['link', 'set', device, 'address', link.mac], signal);
  }

  async setSysctl(name: string, value: string): Promise<boolean> {
    if (this.#prefix.length > 0) {
      const { code } = await execAny([...this.#prefix, 'sysctl', '-qw', `${name}=${value}`]);
      return code === 0;
    }
    const path = `/proc/sys/${name.replaceAll('.', '/')}`;
    try {
      if ((await readFile(path, 'utf8')).trim() !== value) await writeFile(path, value);
      return true;
    } catch {
      return false;
    }
  }

  async #ip(args: readonly string[], signal: AbortSignal): Promise<string> {
    const { stdout } = await exec([...this.#prefix, 'ip', ...args], { signal });
    return stdout.trim() === '' ? '[]' : stdout;
  }

  async #ipRemoving(args: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      await this.#ip(args, signal);
    } catch (error) {
      if (!(error instanceof ExecError) || !NOT_THERE.test(error.result.stderr)) throw error;
    }
  }
}
