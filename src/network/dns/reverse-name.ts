/** The name under which PTR records of an address are: `1.0.96.10.in-addr.arpa`, or its nibbles under ip6.arpa. */
export function reverseName(address: string): string {
  if (!address.includes(':')) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
  return `${(expanded(address).match(/./g) ?? []).toReversed().join('.')}.ip6.arpa`;
}

/** The IPv4 address of a whole in-addr.arpa name; undefined for anything else. */
export function addressOfReverseName(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  return match === null ? undefined : match.slice(1).toReversed().join('.');
}

/** The 32 hexadecimal digits of an IPv6 address. */
function expanded(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail);
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('');
}
