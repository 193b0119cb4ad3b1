import type { Expression, Family } from './expression.ts';

/** What becomes of a packet; also the values of verdict maps. */
export type Verdict =
  | { readonly accept: null }
  | { readonly drop: null }
  | { readonly return: null }
  | { readonly goto: { readonly target: string } }
  | { readonly jump: { readonly target: string } };

/** One statement of a rule, shaped as libnftables-json(5) writes it. */
export type Statement =
  | Verdict
  | { readonly match: { readonly op: '==' | '!=' | 'in'; readonly left: Expression; readonly right: Expression } }
  | { readonly vmap: { readonly key: Expression; readonly data: string } }
  | { readonly mangle: { readonly key: Expression; readonly value: Expression } }
  | { readonly dnat: { readonly addr: string; readonly port: number } }
  | { readonly masquerade: { readonly flags: 'fully-random' } }
  | { readonly reject: { readonly type: 'icmp' | 'icmpv6'; readonly expr: 'port-unreachable' } }
  | { readonly reject: { readonly type: 'tcp reset' } }
  | {
      readonly set: {
        readonly op: 'update';
        readonly elem: { readonly elem: { readonly val: Expression; readonly timeout: number } };
        readonly set: string;
      };
    };

/** A rule: its statements in order, and a comment that `nft list` shows. */
export interface Rule {
  readonly statements: readonly Statement[];
  readonly comment?: string;
}

export const drop: Verdict = { drop: null };
export const goto = (target: string): Verdict => ({ goto: { target } });
export const jump = (target: string): Verdict => ({ jump: { target } });
export const equals = (left: Expression, right: Expression): Statement => ({ match: { op: '==', left, right } });
export const differs = (left: Expression, right: Expression): Statement => ({ match: { op: '!=', left, right } });
/** Matches when one of the bits named `right` is set. */
export const has = (left: Expression, right: Expression): Statement => ({ match: { op: 'in', left, right } });
/** Matches when `left` is an element of the named set. */
export const isIn = (left: Expression, set: string): Statement => equals(left, `@${set}`);
/** Takes the verdict that the named map has for `key`; goes on when it has none. */
export const lookup = (key: Expression, map: string): Statement => ({ vmap: { key, data: `@${map}` } });
export const setTo = (key: Expression, value: Expression): Statement => ({ mangle: { key, value } });
/** Leaves through the address of the interface that the packet leaves by. */
export const masquerade: Statement = { masquerade: { flags: 'fully-random' } };
/** A TCP reset. The kernel wants the transport matched earlier in the same rule. */
export const rejectTcp: Statement = { reject: { type: 'tcp reset' } };
/** ICMP port unreachable, at most one a second to each peer after a burst of six (net.ipv4.icmp_ratelimit). */
export const reject = (family: Family): Statement => ({
  reject: { type: family === 'ip' ? 'icmp' : 'icmpv6', expr: 'port-unreachable' },
});

/** Sends the connection to `addr` and `port`. The kernel wants the transport matched earlier in the same rule. */
export const dnat = (addr: string, port: number): Statement => ({ dnat: { addr, port } });

/** Puts the value into the named dynamic set, or renews it there, for `timeoutSeconds`. */
export const remember = (value: Expression, set: string, timeoutSeconds: number): Statement => ({
  set: { op: 'update', elem: { elem: { val: value, timeout: timeoutSeconds } }, set: `@${set}` },
});

/** The chain that a verdict leads to, if it leads to one. */
export function targetOf(statement: Statement): string | undefined {
  if ('goto' in statement) return statement.goto.target;
  if ('jump' in statement) return statement.jump.target;
  return undefined;
}
