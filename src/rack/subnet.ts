import { RackError } from './rack-error.ts';

/** An IPv4 network: its first address as a number, and the length of its prefix. */
export interface Subnet {
  readonly base: number;
  readonly prefixLength: number;
}

/** Reads `10.77.0.0/24`. @throws RackError when the text is no IPv4 network or its host bits are set */
export function parseSubnet(text: string): Subnet {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const [a = 256, b = 256, c = 256, d = 256, prefixLength = 33] = (match ?? []).slice(1).map(Number);
  const base = ((a * 256 + b) * 256 + c) * 256 + d;
  if (match === null || Math.max(a, b, c, d) > 255 || prefixLength > 32) {
    throw new RackError(`subnet "${text}" is not an IPv4 network such as 10.77.0.0/24`);
  }
  if (base % 2 ** (32 - prefixLength) !== 0) throw new RackError(`subnet "${text}" has host bits set`);
  return { base, prefixLength };
}

/** The `index`th address of a network, dotted; index 0 is the network itself. */
export function addressAt(subnet: Subnet, index: number): string {
  const address = subnet.base + index;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** Whether two networks share an address. */
export function overlaps(one: Subnet, other: Subnet): boolean {
  const size = (subnet: Subnet): number => 2 ** (32 - subnet.prefixLength);
  return one.base < other.base + size(other) && other.base < one.base + size(one);
}

/** The network of a subnet as text. */
export function formatSubnet(subnet: Subnet): string {
  return `${addressAt(subnet, 0)}/${subnet.prefixLength}`;
}
