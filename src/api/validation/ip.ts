/** Addresses as text, without Node's net module: validation is pure. */

/** Upstream's words for what is no address. */
export const NOT_AN_IP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** Whether the text is an IPv4 or IPv6 address. */
export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** Four decimal numbers up to 255, without leading zeros. */
export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** Eight groups of hex digits, one run of zeros elided at most, the last two perhaps as IPv4. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const hasIpv4 = last !== undefined && isIpv4(last) && !text.endsWith('::');
  const plain = hasIpv4 ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = plain.length + (hasIpv4 ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

/** An IPv4 address as a number. The text must be one. */
export function ipv4Number(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** A number below 2^32 as an IPv4 address. */
export function ipv4Text(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** The first address and the number of addresses of an IPv4 CIDR; null for what is none. */
export function parseIpv4Cidr(text: string): { readonly base: number; readonly size: number } | null {
  const [address = '', bits = '', ...rest] = text.split('/');
  if (rest.length > 0 || !isIpv4(address) || !/^(\d|[12]\d|3[0-2])$/.test(bits)) return null;
  const size = 2 ** (32 - Number(bits));
  const number = ipv4Number(address);
  return { base: number - (number % size), size };
}

/** Whether the text is an address and a prefix length. */
export function isCidr(text: string): boolean {
  if (parseIpv4Cidr(text) !== null) return true;
  const slash = text.lastIndexOf('/');
  return (
    slash > 0 &&
    isIpv6(text.slice(0, slash)) &&
    /^\d{1,3}$/.test(text.slice(slash + 1)) &&
    Number(text.slice(slash + 1)) <= 128
  );
}
