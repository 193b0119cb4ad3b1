import { TableCommands, type Command } from './command.ts';
import type { Verdict } from './statement.ts';
import type { Chain, Fragment, SetShape, Table } from './table.ts';

const EMPTY: Fragment = { chains: new Map(), sets: new Map(), elements: new Map() };

/**
 * A table put together from a fixed base and fragments of many owners, and what of it the kernel does not have yet.
 * The cost of a change is that of the fragments that changed, whatever the size of the table.
 *
 * - Names of chains and sets belong to one owner each.
 * - An element may be claimed by several owners: the first by name has it, the next one once that one lets go.
 * - What is no longer wanted is emptied at once and deleted one transaction later, since some kernels count a chain as
 *   in use until the transaction that removed the last element leading to it has ended.
 */
export class FragmentTable {
  readonly #base: Table;
  readonly #commands: TableCommands;
  readonly #fragments = new Map<string, Fragment>();
  /** Fragments as the kernel has them, of the owners that changed since. */
  readonly #changed = new Map<string, Fragment>();
  readonly #claims = new Map<string, Map<string, Map<string, Verdict | null>>>();
  /** Elements as the kernel has them, of those touched since; undefined is not there. */
  readonly #touched = new Map<string, Map<string, Verdict | null | undefined>>();
  readonly #staleChains = new Set<string>();
  readonly #staleSets = new Map<string, SetShape>();

  constructor(base: Table) {
    this.#base = base;
    this.#commands = new TableCommands(base);
    for (const [set, elements] of base.elements) this.#claim('', set, elements);
    this.#touched.clear();
  }

  /** Whether changes() has anything to say. */
  get isChanged(): boolean {
    return this.#changed.size > 0 || this.#touched.size > 0 || this.hasStale;
  }

  /** Whether something emptied waits for its deletion by the next changes(). */
  get hasStale(): boolean {
    return this.#staleChains.size > 0 || this.#staleSets.size > 0;
  }

  /** Puts in, replaces or (undefined) takes out what one owner has. @param owner not the empty string */
  set(owner: string, fragment: Fragment | undefined): void {
    const before = this.#fragments.get(owner) ?? EMPTY;
    const next = fragment ?? EMPTY;
    if (!this.#changed.has(owner)) this.#changed.set(owner, before);
    for (const [set, elements] of before.elements) this.#release(owner, set, elements.keys());
    for (const [set, elements] of next.elements) this.#claim(owner, set, elements);
    if (fragment === undefined) this.#fragments.delete(owner);
    else this.#fragments.set(owner, fragment);
  }

  /** The transaction that makes the kernel's table this one, whatever it has now. */
  replacement(): Command[] {
    this.#changed.clear();
    this.#touched.clear();
    this.#staleChains.clear();
    this.#staleSets.clear();
    const parts: readonly Fragment[] = [this.#base, ...this.#fragments.values()];
    const commands = this.#commands;
    return [
      commands.addTable(), // so that the delete cannot fail
      commands.deleteTable(),
      commands.addTable(),
      ...parts.flatMap(({ sets }) => Array.from(sets, ([name, shape]) => commands.addSet(name, shape))),
      ...parts.flatMap(({ chains }) => Array.from(chains, ([name, chain]) => commands.addChain(name, chain))),
      ...parts.flatMap(({ chains }) => Array.from(chains, ([name, chain]) => commands.addRules(name, chain)).flat()),
      ...Array.from(this.#claims, ([set, keys]) => {
        const elements = new Map<string, Verdict | null>();
        for (const [key, claims] of keys) elements.set(key, holder(claims) ?? null);
        return commands.addElements(set, elements);
      }).flat(),
    ];
  }

  /**
   * The transaction from what the last call gave to what is wanted now. Once it, or any transaction after it, has
   * failed, only replacement() may follow.
   */
  changes(): Command[] {
    const commands = this.#commands;
    const staleChains = [...this.#staleChains];
    const staleSets = [...this.#staleSets];
    const added: Command[] = [];
    const filled: Command[] = [];
    for (const [owner, before] of this.#changed) this.#planOwner(owner, before, added, filled);
    const { removed, put } = this.#planElements();
    const deleted: Command[] = [];
    for (const name of staleChains) if (this.#staleChains.delete(name)) deleted.push(commands.deleteChain(name));
    for (const [name, shape] of staleSets)
      if (this.#staleSets.delete(name)) deleted.push(commands.deleteSet(name, shape));
    this.#changed.clear();
    this.#touched.clear();
    // Chains deleted here were emptied, and lost their last element, in an earlier transaction.
    return [...deleted, ...added, ...filled, ...removed, ...put];
  }

  #planOwner(owner: string, before: Fragment, added: Command[], filled: Command[]): void {
    const next = this.#fragments.get(owner) ?? EMPTY;
    const commands = this.#commands;
    for (const [name, shape] of next.sets) {
      const isStale = this.#staleSets.delete(name);
      if (!isStale && !before.sets.has(name)) added.push(commands.addSet(name, shape));
    }
    for (const [name, chain] of next.chains) {
      const isStale = this.#staleChains.delete(name);
      const old = before.chains.get(name);
      if (old !== undefined && sameRules(old, chain)) continue;
      if (old === undefined && !isStale) added.push(commands.addChain(name, chain));
      if (old !== undefined) filled.push(commands.flushChain(name));
      filled.push(...commands.addRules(name, chain));
    }
    for (const name of before.chains.keys()) {
      if (next.chains.has(name)) continue;
      this.#staleChains.add(name);
      filled.push(commands.flushChain(name));
    }
    for (const [name, shape] of before.sets) {
      if (next.sets.has(name)) continue;
      this.#staleSets.set(name, shape);
      filled.push(commands.flushSet(name, shape)); // or what rules put in would still be there if it is wanted again
    }
  }

  #planElements(): { removed: Command[]; put: Command[] } {
    const removed: Command[] = [];
    const put: Command[] = [];
    for (const [set, keys] of this.#touched) {
      const gone: string[] = [];
      const added = new Map<string, Verdict | null>();
      for (const [key, before] of keys) {
        const now = this.#held(set, key);
        if (JSON.stringify(before) === JSON.stringify(now)) continue;
        if (before !== undefined) gone.push(key);
        if (now !== undefined) added.set(key, now);
      }
      removed.push(...this.#commands.deleteElements(set, gone));
      put.push(...this.#commands.addElements(set, added));
    }
    return { removed, put };
  }

  #held(set: string, key: string): Verdict | null | undefined {
    const claims = this.#claims.get(set)?.get(key);
    return claims === undefined ? undefined : holder(claims);
  }

  #touch(set: string, key: string): void {
    const keys = this.#touched.get(set) ?? new Map<string, Verdict | null | undefined>();
    this.#touched.set(set, keys);
    if (!keys.has(key)) keys.set(key, this.#held(set, key));
  }

  #claim(owner: string, set: string, elements: ReadonlyMap<string, Verdict | null>): void {
    const keys = this.#claims.get(set) ?? new Map<string, Map<string, Verdict | null>>();
    this.#claims.set(set, keys);
    for (const [key, value] of elements) {
      this.#touch(set, key);
      const claims = keys.get(key) ?? new Map<string, Verdict | null>();
      keys.set(key, claims.set(owner, value));
    }
  }

  #release(owner: string, set: string, released: Iterable<string>): void {
    const keys = this.#claims.get(set);
    for (const key of released) {
      this.#touch(set, key);
      const claims = keys?.get(key);
      claims?.delete(owner);
      if (claims?.size === 0) keys?.delete(key);
    }
  }
}

/** Whose claim counts: the first owner's by name. Most keys have one claim. */
function holder(claims: ReadonlyMap<string, Verdict | null>): Verdict | null | undefined {
  const [owner = ''] = claims.size === 1 ? claims.keys() : [...claims.keys()].toSorted();
  return claims.get(owner);
}

function sameRules(a: Chain, b: Chain): boolean {
  return a === b || JSON.stringify(a.rules) === JSON.stringify(b.rules);
}
