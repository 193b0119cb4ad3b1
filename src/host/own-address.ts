import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';

export interface OwnAddress {
  readonly address: string;
  readonly interfaceName: string;
  /** Length of the network's prefix in bits. */
  readonly prefixLength: number;
}

/**
 * The board's IPv4 address: that of `interfaceName`, else of the interface of the default route, else of the first
 * interface that is neither loopback nor made by us. Undefined while there is none yet (DHCP).
 */
export async function findOwnAddress(interfaceName?: string): Promise<OwnAddress | undefined> {
  const name = interfaceName ?? (await defaultRouteInterface());
  const all = networkInterfaces();
  const candidates =
    name === undefined ? Object.keys(all).filter((one) => !/^(lo|cni|veth|docker|bramble)/.test(one)) : [name];
  for (const candidate of candidates) {
    const own = all[candidate]?.find((one) => one.family === 'IPv4' && !one.internal && !one.cidr?.endsWith('/32'));
    if (own === undefined) continue;
    return { address: own.address, interfaceName: candidate, prefixLength: Number(own.cidr?.split('/')[1] ?? 24) };
  }
  return undefined;
}

/** From the kernel's table: the line whose destination and mask are zero (proc(5), /proc/net/route). */
async function defaultRouteInterface(): Promise<string | undefined> {
  const table = await readFile('/proc/net/route', 'utf8');
  const rows = table.split('\n').map((line) => line.split('\t'));
  return rows.find((row) => row[1] === '00000000' && row[7] === '00000000')?.[0];
}

/** Whether an interface of this board has the address. */
export function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === address) === true);
}
