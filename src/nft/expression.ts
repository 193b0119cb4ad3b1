/** Expressions of an nftables rule, shaped as libnftables-json(5) writes them. Only those that we use. */
export type Expression =
  | string
  | number
  | {
      readonly payload: {
        readonly protocol: 'ip' | 'ip6' | 'th';
        readonly field: 'saddr' | 'daddr' | 'sport' | 'dport';
      };
    }
  | { readonly meta: { readonly key: 'l4proto' | 'mark' | 'iifname' | 'oifname' } }
  | { readonly ct: { readonly key: 'state' | 'status' } }
  | { readonly fib: { readonly result: 'type'; readonly flags: readonly ('saddr' | 'daddr')[] } }
  | { readonly numgen: { readonly mode: 'random'; readonly mod: number; readonly offset: 0 } }
  | { readonly concat: readonly Expression[] }
  | { readonly prefix: { readonly addr: string; readonly len: number } }
  | { readonly set: readonly Expression[] }
  | { readonly '&': readonly [Expression, Expression] }
  | { readonly '|': readonly [Expression, Expression] }
  | { readonly '^': readonly [Expression, Expression] };

/** The families of tables that we make. */
export type Family = 'ip' | 'ip6';

/** Source address of the packet. */
export const sourceAddress = (family: Family): Expression => ({ payload: { protocol: family, field: 'saddr' } });
/** Destination address of the packet. */
export const destinationAddress = (family: Family): Expression => ({ payload: { protocol: family, field: 'daddr' } });
/** `tcp`, `udp` or `sctp`. */
export const transportProtocol: Expression = { meta: { key: 'l4proto' } };
/** Destination port, whatever the transport. */
export const destinationPort: Expression = { payload: { protocol: 'th', field: 'dport' } };
export const packetMark: Expression = { meta: { key: 'mark' } };
export const connectionState: Expression = { ct: { key: 'state' } };
/** Kind of the source address as this host's routes see it: `local` is one of its own. */
export const sourceType: Expression = { fib: { result: 'type', flags: ['saddr'] } };
/** A random number from 0 to `below` - 1, drawn per packet. */
export const randomBelow = (below: number): Expression => ({ numgen: { mode: 'random', mod: below, offset: 0 } });
export const concat = (...parts: readonly Expression[]): Expression => ({ concat: parts });

/** An address, or a prefix written `10.0.0.0/8`. */
export function addressOrPrefix(text: string): Expression {
  const [addr = text, len] = text.split('/');
  return len === undefined ? addr : { prefix: { addr, len: Number(len) } };
}
