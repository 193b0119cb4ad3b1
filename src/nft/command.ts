import { addressOrPrefix, type Expression, type Family } from './expression.ts';
import type { Statement, Verdict } from './statement.ts';
import type { Chain, Elements, SetShape } from './table.ts';

/** The table a command works on. */
export interface TableName {
  readonly family: Family;
  readonly name: string;
}

interface TableBody {
  readonly family: Family;
  readonly name: string;
}
interface ChainBody {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: 'accept';
}
interface SetBody {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly type?: string | readonly string[];
  readonly map?: 'verdict';
  readonly flags?: readonly string[];
  readonly size?: number;
}
interface RuleBody {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly comment?: string;
  readonly expr: readonly Statement[];
}
interface ElementBody {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly elem: readonly (Expression | readonly [Expression, Verdict])[];
}

/** What a command is about, shaped as libnftables-json(5) writes it. */
export type Subject =
  | { readonly table: TableBody }
  | { readonly chain: ChainBody }
  | { readonly set: SetBody }
  | { readonly map: SetBody }
  | { readonly rule: RuleBody }
  | { readonly element: ElementBody };

/** One command of a transaction. */
export type Command = { readonly add: Subject } | { readonly delete: Subject } | { readonly flush: Subject };

/** A transaction as `nft -j -f -` reads it: applied as a whole or not at all. */
export function renderTransaction(commands: readonly Command[]): string {
  return JSON.stringify({ nftables: commands });
}

/** The commands that work on one table. `add` of what is there already is no error; a deleted thing must be there. */
export class TableCommands {
  readonly #family: Family;
  readonly #table: string;

  constructor({ family, name }: TableName) {
    this.#family = family;
    this.#table = name;
  }

  addTable(): Command {
    return { add: { table: { family: this.#family, name: this.#table } } };
  }

  deleteTable(): Command {
    return { delete: { table: { family: this.#family, name: this.#table } } };
  }

  /** Adds the chain, empty; its rules follow by addRules. */
  addChain(name: string, { hook }: Chain): Command {
    const body = { family: this.#family, table: this.#table, name };
    if (hook === undefined) return { add: { chain: body } };
    return {
      add: { chain: { ...body, type: hook.type, hook: hook.hook, prio: hook.priority, policy: 'accept' } },
    };
  }

  flushChain(name: string): Command {
    return { flush: { chain: { family: this.#family, table: this.#table, name } } };
  }

  deleteChain(name: string): Command {
    return { delete: { chain: { family: this.#family, table: this.#table, name } } };
  }

  addRules(chain: string, { rules }: Chain): Command[] {
    return rules.map(({ statements, comment }) => ({
      add: {
        rule: {
          family: this.#family,
          table: this.#table,
          chain,
          ...(comment === undefined ? {} : { comment }),
          expr: statements,
        },
      },
    }));
  }

  addSet(name: string, { type, isVerdictMap, flags, size }: SetShape): Command {
    const [only = ''] = type;
    const body: SetBody = {
      family: this.#family,
      table: this.#table,
      name,
      type: type.length === 1 ? only : type,
      ...(flags === undefined ? {} : { flags }),
      ...(size === undefined ? {} : { size }),
    };
    return { add: isVerdictMap === true ? { map: { ...body, map: 'verdict' } } : { set: body } };
  }

  deleteSet(name: string, { isVerdictMap }: SetShape): Command {
    const body = { family: this.#family, table: this.#table, name };
    return { delete: isVerdictMap === true ? { map: body } : { set: body } };
  }

  flushSet(name: string, { isVerdictMap }: SetShape): Command {
    const body = { family: this.#family, table: this.#table, name };
    return { flush: isVerdictMap === true ? { map: body } : { set: body } };
  }

  /** Nothing for no elements: nft refuses an empty list. */
  addElements(set: string, elements: Elements): Command[] {
    const elem = Array.from(elements, ([key, value]) =>
      value === null ? keyExpression(key) : ([keyExpression(key), value] as const),
    );
    return elem.length === 0 ? [] : [{ add: { element: this.#elements(set, elem) } }];
  }

  deleteElements(set: string, keys: readonly string[]): Command[] {
    const elem = keys.map((key) => keyExpression(key));
    return elem.length === 0 ? [] : [{ delete: { element: this.#elements(set, elem) } }];
  }

  #elements(name: string, elem: ElementBody['elem']): ElementBody {
    return { family: this.#family, table: this.#table, name, elem };
  }
}

function keyExpression(key: string): Expression {
  const parts = key.split(' . ').map((part) => addressOrPrefix(part));
  const [only = ''] = parts;
  return parts.length === 1 ? only : { concat: parts };
}
