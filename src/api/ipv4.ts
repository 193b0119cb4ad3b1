/** IPv4 addresses and prefixes as text and as numbers, without Node's net module: validation is pure. */

/** An IPv4 prefix, taken apart. */
export interface Ipv4Cidr {
  /** The network's own address: the bits after the prefix are clear. */
  readonly base: number;
  readonly prefixLength: number;
}

/** Four decimal numbers up to 255, without leading zeros (as Go's net/netip since 1.17). */
export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** An IPv4 address as a number below 2^32; undefined when it is none. */
export function parseIpv4(text: string): number | undefined {
  return isIpv4(text) ? text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) : undefined;
}

/** A number below 2^32 as an IPv4 address. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** `10.244.1.0/24`, any address of the prefix in front; undefined for anything else. */
export function parseIpv4Cidr(text: string): Ipv4Cidr | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const number = parseIpv4(address);
  if (number === undefined || rest.length > 0 || !/^(\d|[12]\d|3[0-2])$/.test(length)) return undefined;
  const prefixLength = Number(length);
  return { base: (number & maskOf(prefixLength)) >>> 0, prefixLength };
}

/** How many addresses the prefix holds, its first and its last too. */
export function addressCount({ prefixLength }: Ipv4Cidr): number {
  return 2 ** (32 - prefixLength);
}

/** Whether the prefix holds the address. */
export function holdsIpv4({ base, prefixLength }: Ipv4Cidr, address: string): boolean {
  const number = parseIpv4(address);
  return number !== undefined && (number & maskOf(prefixLength)) >>> 0 === base;
}

/** The `index`th address of a prefix in text, 0 being the network's own. @throws RangeError when the text is none */
export function addressAt(cidr: string, index: number): string {
  const parsed = parseIpv4Cidr(cidr);
  if (parsed === undefined) throw new RangeError(`"${cidr}" is not an IPv4 prefix such as 10.96.0.0/12`);
  return formatIpv4(parsed.base + index);
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}
