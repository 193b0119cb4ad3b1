import { StatusError } from '../../src/api/status.ts';
import type { ListedTable, Nft } from '../../src/host/nft.ts';
import type { Command, Subject, TableName } from '../../src/nft/command.ts';
import type { Expression } from '../../src/nft/expression.ts';
import { targetOf, type Statement, type Verdict } from '../../src/nft/statement.ts';

interface FakeTable {
  readonly chains: Map<string, (readonly Statement[])[]>;
  readonly sets: Map<string, Map<string, Verdict | null>>;
}

/** Nft in memory. */
export interface FakeNft extends Nft {
  /** Every transaction that was asked for, failed ones too. */
  readonly transactions: (readonly Command[])[];
  /** Forgets everything, as `nft flush ruleset` by someone else. */
  flushRuleset(): void;
  /** Rules of a chain. */
  rules(table: TableName, chain: string): readonly (readonly Statement[])[];
}

/** Nft over maps in memory, held to the kernel's behaviour by test/contract/nft.contract.ts. */
export function createFakeNft(): FakeNft {
  let tables = new Map<string, FakeTable>();
  const transactions: (readonly Command[])[] = [];
  return {
    transactions,
    flushRuleset: () => tables.clear(),
    rules: ({ family, name }, chain) => tables.get(`${family} ${name}`)?.chains.get(chain) ?? [],
    async apply(commands, signal) {
      signal.throwIfAborted();
      transactions.push(commands);
      const next = copy(tables);
      for (const command of commands) execute(next, command);
      for (const table of next.values()) checkTargets(table);
      tables = next;
    },
    async list({ family, name }): Promise<ListedTable | undefined> {
      const table = tables.get(`${family} ${name}`);
      if (table === undefined) return undefined;
      const chains = new Map(Array.from(table.chains, ([chain, rules]) => [chain, rules.length]));
      return { chains, elements: copy(table.sets) };
    },
  };
}

function copy<T>(value: T): T {
  return structuredClone(value);
}

function refuse(why: string): never {
  throw new StatusError('Invalid', `nft refused: ${why}`);
}

function must<T>(value: T | undefined, what: string): T {
  return value ?? refuse(`No such file or directory: ${what}`);
}

function execute(tables: Map<string, FakeTable>, command: Command): void {
  const [verb = '', subject] = Object.entries(command)[0] ?? [];
  const body = subject as Subject;
  if ('table' in body) return onTable(tables, verb, `${body.table.family} ${body.table.name}`);
  const { family, table: name } = 'chain' in body ? body.chain : bodyOf(body);
  const table = must(tables.get(`${family} ${name}`), name);
  if ('chain' in body) return onChain(table, verb, body.chain.name);
  if ('rule' in body) {
    for (const statement of body.rule.expr) for (const set of setsNamedIn(statement)) must(table.sets.get(set), set);
    must(table.chains.get(body.rule.chain), body.rule.chain).push(body.rule.expr);
    return undefined;
  }
  if ('element' in body) return onElements(table, verb, body.element.name, body.element.elem);
  return onSet(table, verb, bodyOf(body).name);
}

function bodyOf(subject: Exclude<Subject, { table: unknown } | { chain: unknown }>): {
  family: string;
  table: string;
  name: string;
} {
  if ('rule' in subject) return { ...subject.rule, name: '' };
  if ('element' in subject) return subject.element;
  return 'set' in subject ? subject.set : subject.map;
}

function onTable(tables: Map<string, FakeTable>, verb: string, key: string): void {
  if (verb === 'add') {
    if (!tables.has(key)) tables.set(key, { chains: new Map(), sets: new Map() });
    return;
  }
  must(tables.get(key), key);
  if (verb === 'delete') tables.delete(key);
}

function onChain(table: FakeTable, verb: string, name: string): void {
  if (verb === 'add') {
    if (!table.chains.has(name)) table.chains.set(name, []);
    return;
  }
  must(table.chains.get(name), name);
  if (verb === 'flush') table.chains.set(name, []);
  else if ([...targets(table)].includes(name)) refuse(`Device or resource busy: ${name}`);
  else table.chains.delete(name);
}

function onSet(table: FakeTable, verb: string, name: string): void {
  if (verb === 'add') {
    if (!table.sets.has(name)) table.sets.set(name, new Map());
    return;
  }
  const set = must(table.sets.get(name), name);
  if (verb === 'flush') return set.clear();
  const used = [...table.chains.values()].flat(2).some((statement) => setsNamedIn(statement).includes(name));
  if (used) refuse(`Device or resource busy: ${name}`);
  table.sets.delete(name);
}

function onElements(
  table: FakeTable,
  verb: string,
  name: string,
  elements: readonly (Expression | readonly [Expression, Verdict])[],
): void {
  const set = must(table.sets.get(name), name);
  for (const element of elements) {
    const [key, verdict] = isPair(element) ? element : [element, null];
    const text = keyText(key);
    if (verb === 'delete') {
      must(set.has(text) ? text : undefined, `element ${text}`);
      set.delete(text);
    } else if (set.has(text) && JSON.stringify(set.get(text)) !== JSON.stringify(verdict)) {
      refuse(`File exists: ${text}`);
    } else set.set(text, verdict);
  }
}

function isPair(element: Expression | readonly [Expression, Verdict]): element is readonly [Expression, Verdict] {
  return Array.isArray(element);
}

function keyText(key: Expression): string {
  if (typeof key !== 'object') return String(key);
  if ('concat' in key) return key.concat.map((part) => keyText(part)).join(' . ');
  return 'prefix' in key ? `${key.prefix.addr}/${key.prefix.len}` : JSON.stringify(key);
}

/** Names written as `@name` anywhere in the statement. */
function setsNamedIn(statement: Statement): string[] {
  return [...JSON.stringify(statement).matchAll(/"@([^"]+)"/g)].map(([, name = '']) => name);
}

function* targets(table: FakeTable): Generator<string> {
  for (const rules of table.chains.values())
    for (const statement of rules.flat()) {
      const target = targetOf(statement);
      if (target !== undefined) yield target;
    }
  for (const elements of table.sets.values())
    for (const verdict of elements.values()) {
      const target = verdict === null ? undefined : targetOf(verdict);
      if (target !== undefined) yield target;
    }
}

function checkTargets(table: FakeTable): void {
  for (const target of targets(table)) must(table.chains.get(target), target);
}
