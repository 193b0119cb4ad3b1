import { isIpv4, parseIpv4Cidr } from '../ipv4.ts';

/** Addresses as text, without Node's net module: validation is pure. */

/** Upstream's words for what is no address. */
export const NOT_AN_IP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** Whether the text is an IPv4 or IPv6 address. */
export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
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

/** Whether the text is an address and a prefix length. */
export function isCidr(text: string): boolean {
  if (parseIpv4Cidr(text) !== undefined) return true;
  const slash = text.lastIndexOf('/');
  return (
    slash > 0 &&
    isIpv6(text.slice(0, slash)) &&
    /^\d{1,3}$/.test(text.slice(slash + 1)) &&
    Number(text.slice(slash + 1)) <= 128
  );
}
