import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One argument of a command: `key`, `key=value` or `key=(a, b)`. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

/** One case of a data-driven file: a command, its input, and the output it must have. */
export interface Case {
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly input: string;
  readonly expected: string;
}

/** etcd-io/raft's own test data: beside the repository, not part of it. */
const ORACLES: string = join(import.meta.dirname, '../../../../shared/oracles/raft');

/** Files of one suite; empty when the test data is absent. */
export function oracleFiles(suite: string): { readonly name: string; readonly cases: readonly Case[] }[] {
  const folder = join(ORACLES, suite);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  return names.sort().map((name) => ({ name, cases: parseCases(readFileSync(join(folder, name), 'utf8')) }));
}

/** Parses cockroachdb/datadriven's format: comments, a command line, input, `----`, output up to an empty line. */
function parseCases(text: string): Case[] {
  const lines = text.split('\n');
  const cases: Case[] = [];
  let at = 0;
  const takeUntil = (isEnd: (line: string) => boolean): string[] => {
    const taken: string[] = [];
    for (; at < lines.length && !isEnd(lines[at] ?? ''); at += 1) taken.push(lines[at] ?? '');
    at += 1;
    return taken;
  };
  while (at < lines.length) {
    const line = (lines[at] ?? '').trim();
    at += 1;
    if (line === '' || line.startsWith('#')) continue;
    const start = at;
    const input = takeUntil((next) => next === '----').join('\n');
    const expected = takeUntil((next) => next === '').join('\n');
    const [command = '', ...args] = line.match(/[^\s=]+=\([^)]*\)|\S+/g) ?? [];
    cases.push({ line: start, command, args: args.map(parseArgument), input, expected });
  }
  return cases;
}

function parseArgument(text: string): Argument {
  const [key = '', value] = text.split('=');
  if (value === undefined) return { key, values: [] };
  const inner = value.startsWith('(') ? value.slice(1, -1) : value;
  return { key, values: inner.split(',').map((part) => part.trim()) };
}

/** The first value of an argument. */
export function valueOf(args: readonly Argument[], key: string): string | undefined {
  return args.find((arg) => arg.key === key)?.values[0];
}

/** The arguments that are mere numbers. */
export function numbersOf(args: readonly Argument[]): number[] {
  return args.filter(({ values }) => values.length === 0).map(({ key }) => Number(key));
}
