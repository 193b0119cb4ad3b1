import type { Family } from './expression.ts';
import type { Rule, Verdict } from './statement.ts';

/** Where a base chain hangs in the packet's path. */
export interface Hook {
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  /** Lower goes first: dstnat is -100, srcnat 100. */
  readonly priority: number;
}

/** Rules in order; without a hook, reached by jump or goto only. */
export interface Chain {
  readonly hook?: Hook;
  readonly rules: readonly Rule[];
}

/** Types of a key's parts. */
export type KeyType = 'ipv4_addr' | 'ipv6_addr' | 'inet_proto' | 'inet_service';

/** The shape of a set, or with `isVerdictMap` of a map to verdicts. */
export interface SetShape {
  readonly type: readonly KeyType[];
  readonly isVerdictMap?: boolean;
  /**
   * `timeout`: time takes elements out; such a set may also be filled by rules. (nft 1.0.6 does not know the flag
   * `dynamic` in JSON, and sets it by itself for a set that a rule fills.) `interval`: elements may be prefixes.
   */
  readonly flags?: readonly ('timeout' | 'interval')[];
  /** Most elements that rules may put in. */
  readonly size?: number;
}

/** Elements by key; the parts of a key are joined by ` . `, as nft prints them. The value is null in a plain set. */
export type Elements = ReadonlyMap<string, Verdict | null>;

/** A part of a table's content, that has one owner. */
export interface Fragment {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, SetShape>;
  /** Elements by the name of their set. */
  readonly elements: ReadonlyMap<string, Elements>;
}

/** A whole table. */
export interface Table extends Fragment {
  readonly family: Family;
  readonly name: string;
}

/** Joins the parts of an element's key. */
export function elementKey(...parts: readonly (string | number)[]): string {
  return parts.join(' . ');
}
