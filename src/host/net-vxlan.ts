import { exec, execAny } from './exec.ts';

/** The end of the tunnels on this node. */
export interface TunnelEnd {
  readonly device: string;
  readonly id: number;
  readonly port: number;
  /** Interface and address by which the packets travel. */
  readonly uplink: string;
  readonly local: string;
  readonly mac: string;
  /** Address of the end itself, a /32. */
  readonly address: string;
}

/** The other end of a tunnel. */
export interface TunnelPeer {
  readonly mac: string;
  /** Address of its end, the next hop of what goes there. */
  readonly address: string;
  /** Address of its node. */
  readonly node: string;
}

/** The kernel's VXLAN devices (RFC 7348), as far as we use them: peers are told, never learned. */
export interface Vxlan {
  /** The device as described, up. One that is there with another id, port or address is made anew. */
  ensure(end: TunnelEnd, signal: AbortSignal): Promise<void>;
  /** Removing what is not there is no error. */
  remove(device: string, signal: AbortSignal): Promise<void>;
  putPeer(device: string, peer: TunnelPeer, signal: AbortSignal): Promise<void>;
  /** Forgets all peers but these. */
  keepPeers(device: string, peers: readonly TunnelPeer[], signal: AbortSignal): Promise<void>;
}

/**
 * Vxlan by iproute2.
 *
 * @param prefix put before each command, as `ip netns exec <name>` to work in another network namespace
 */
export function createVxlan(prefix: readonly string[] = []): Vxlan {
  const run = async (argv: readonly string[], signal: AbortSignal): Promise<string> =>
    (await exec([...prefix, ...argv], { signal })).stdout;
  return {
    async ensure(end, signal) {
      const { device, id, port, uplink, local, mac, address } = end;
      const found = await execAny([...prefix, 'ip', '-j', '-d', 'link', 'show', device], { signal });
      const isThere = found.code === 0;
      if (isThere && !isSame(found.stdout, end)) await run(['ip', 'link', 'delete', device], signal);
      if (!isThere || !isSame(found.stdout, end)) {
        const kind = ['type', 'vxlan', 'id', String(id), 'dstport', String(port), 'local', local, 'dev', uplink];
        await run(['ip', 'link', 'add', device, 'address', mac, ...kind, 'nolearning'], signal);
      }
      await run(['ip', 'address', 'replace', `${address}/32`, 'dev', device], signal);
      await run(['ip', 'link', 'set', device, 'up'], signal);
    },
    async remove(device, signal) {
      await execAny([...prefix, 'ip', 'link', 'delete', device], { signal });
    },
    async putPeer(device, { mac, address, node }, signal) {
      await run(['bridge', 'fdb', 'replace', mac, 'dev', device, 'dst', node], signal);
      await run(['ip', 'neighbour', 'replace', address, 'lladdr', mac, 'dev', device, 'nud', 'permanent'], signal);
    },
    async keepPeers(device, peers, signal) {
      const listed = JSON.parse(await run(['bridge', '-j', 'fdb', 'show', 'dev', device], signal)) as {
        mac: string;
        dst?: string;
      }[];
      const wanted = new Set(peers.map(({ mac, node }) => `${mac} ${node}`));
      for (const { mac, dst } of listed)
        if (dst !== undefined && !wanted.has(`${mac} ${dst}`))
          await run(['bridge', 'fdb', 'delete', mac, 'dev', device, 'dst', dst], signal);
    },
  };
}

function isSame(listing: string, { id, port, local, mac }: TunnelEnd): boolean {
  const [link] = JSON.parse(listing) as {
    address?: string;
    linkinfo?: { info_data?: { id?: number; port?: number; local?: string } };
  }[];
  const info = link?.linkinfo?.info_data;
  return info?.id === id && info.port === port && info.local === local && link?.address === mac;
}
