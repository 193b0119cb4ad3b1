/** An IPv4 prefix, taken apart. */
export interface Cidr {
  /** The network's address as a number. */
  readonly base: number;
  readonly prefixLength: number;
}

/** `10.244.1.0/24`; undefined for anything else. An address without a length is a /32. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = '32', ...rest] = text.split('/');
  const number = parseAddress(address);
  const prefixLength = Number(length);
  if (number === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length) || prefixLength > 32) return undefined;
  return { base: (number & maskOf(prefixLength)) >>> 0, prefixLength };
}

/** An IPv4 address as a number; undefined when it is none. */
export function parseAddress(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** Whether the prefix holds the address. */
export function holds({ base, prefixLength }: Cidr, address: string): boolean {
  const number = parseAddress(address);
  return number !== undefined && (number & maskOf(prefixLength)) >>> 0 === base;
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}
