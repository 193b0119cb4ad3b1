import { StatusError } from '../api/status.ts';
import { renderTransaction, type Command, type TableName } from '../nft/command.ts';
import type { Statement, Verdict } from '../nft/statement.ts';
import { execAny } from './exec.ts';

/** What a table holds, as the kernel says it. Rules are counted: nft does not print them as they were written. */
export interface ListedTable {
  /** Number of rules by chain. */
  readonly chains: ReadonlyMap<string, number>;
  /** Elements by set or verdict map; null where the element has no verdict. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, Verdict | null>>;
}

/** The kernel's packet filter, as far as we use it. */
export interface Nft {
  /**
   * Applies the commands as one transaction: packets meet all of it or nothing.
   *
   * @throws StatusError Invalid             refused; everything is as before
   * @throws StatusError ServiceUnavailable  nft is missing or gave no answer: what is there now is not known
   */
  apply(commands: readonly Command[], signal: AbortSignal): Promise<void>;
  /** The table's content; undefined when there is no such table. Costs time by the size of the table. */
  list(table: TableName, signal: AbortSignal): Promise<ListedTable | undefined>;
}

/** A whole table of 10,000 Services takes about a second on a small server; a Pi may be ten times slower. */
const TIMEOUT_MS = 60_000;

/** nft opens /dev/stdin by name, which fails on the socket that Node gives a child as its input: so through a pipe. */
const READ_INPUT = ['sh', '-c', 'cat | nft -j -f -'];

/**
 * Nft by the program of that name, whose JSON is libnftables-json(5).
 *
 * @param prefix put before the command, as `ip netns exec <name>` to work in another network namespace
 */
export function createNft(prefix: readonly string[] = []): Nft {
  const run = async (argv: readonly string[], input: string | undefined, signal: AbortSignal): Promise<string> => {
    const options = { timeoutMs: TIMEOUT_MS, signal, ...(input === undefined ? {} : { input }) };
    const { code, stdout, stderr } = await execAny([...prefix, ...argv], options);
    signal.throwIfAborted();
    if (code === 0) return stdout;
    const why = stderr.trim().split('\n').slice(0, 4).join('; ');
    if (code === 127 || code === 137) throw new StatusError('ServiceUnavailable', `nft gave no answer: ${why}`);
    throw new StatusError('Invalid', `nft refused: ${why === '' ? stdout.slice(0, 300) : why}`);
  };

  return {
    async apply(commands, signal) {
      if (commands.length > 0) await run(READ_INPUT, renderTransaction(commands), signal);
    },
    async list({ family, name }, signal) {
      const tables = parseListing(await run(['nft', '-j', 'list', 'tables', family], undefined, signal));
      if (!tables.some(({ table }) => table?.name === name)) return undefined;
      return listedTable(parseListing(await run(['nft', '-j', 'list', 'table', family, name], undefined, signal)));
    },
  };
}

interface Listed {
  readonly table?: { readonly name: string };
  readonly chain?: { readonly name: string };
  readonly set?: ListedSet;
  readonly map?: ListedSet;
  readonly rule?: { readonly chain: string; readonly expr: readonly Statement[] };
}

interface ListedSet {
  readonly name: string;
  readonly elem?: readonly unknown[];
}

function parseListing(text: string): readonly Listed[] {
  return (JSON.parse(text) as { nftables: Listed[] }).nftables;
}

function listedTable(listing: readonly Listed[]): ListedTable {
  const chains = new Map<string, number>();
  const elements = new Map<string, ReadonlyMap<string, Verdict | null>>();
  for (const { chain, set, map, rule } of listing) {
    if (chain !== undefined) chains.set(chain.name, 0);
    if (rule !== undefined) chains.set(rule.chain, (chains.get(rule.chain) ?? 0) + 1);
    if (set !== undefined) elements.set(set.name, new Map((set.elem ?? []).map((one) => [keyText(one), null])));
    if (map !== undefined) {
      const pairs = (map.elem ?? []) as readonly (readonly [unknown, Verdict])[];
      elements.set(map.name, new Map(pairs.map(([key, verdict]) => [keyText(key), verdict])));
    }
  }
  return { chains, elements };
}

/** A key as elementKey() writes it, from the shapes that nft prints. */
function keyText(key: unknown): string {
  if (typeof key !== 'object' || key === null) return String(key);
  if ('concat' in key && Array.isArray(key.concat)) return key.concat.map((part) => keyText(part)).join(' . ');
  if ('prefix' in key) {
    const { addr, len } = key.prefix as { addr: string; len: number };
    return `${addr}/${len}`;
  }
  if ('elem' in key) return keyText((key.elem as { val: unknown }).val);
  return JSON.stringify(key);
}
