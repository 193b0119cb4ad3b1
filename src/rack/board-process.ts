import { readdir, readFile } from 'node:fs/promises';

/** One line of the process table. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
}

/** The processes on this machine that make one board. */
export interface BoardProcesses {
  /** The shell that runs board.sh, and what starts it. */
  readonly keepers: readonly number[];
  readonly nspawn: number | null;
  /** The board's PID 1 as this machine numbers it; null while its plug is pulled. */
  readonly init: number | null;
}

/**
 * Finds the processes of the board whose folder is `dir`. The process table is the only record of what runs, so that
 * nothing is believed after a crash that is not so.
 */
export function findBoardProcesses(table: readonly ProcessRow[], dir: string): BoardProcesses {
  const [rack, name] = [dir.slice(0, dir.lastIndexOf('/boards/')), dir.slice(dir.lastIndexOf('/') + 1)];
  const keepers = table.filter(({ argv }) => {
    const script = argv.findIndex((argument) => argument.endsWith('/src/rack/board.sh'));
    return script >= 0 && argv[script + 1] === rack && argv[script + 2] === name;
  });
  const nspawn = table.find(({ argv }) => argv[0] === 'systemd-nspawn' && argv.includes(`--directory=${dir}/root`));
  const init =
    nspawn === undefined ? undefined : table.find(({ parent, argv }) => parent === nspawn.pid && isInit(argv));
  return { keepers: keepers.map(({ pid }) => pid), nspawn: nspawn?.pid ?? null, init: init?.pid ?? null };
}

/** All processes of this machine, as they are now. */
export async function readProcessTable(): Promise<ProcessRow[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const rows = await Promise.all(pids.map((pid) => readProcess(Number(pid))));
  return rows.filter((row) => row !== null);
}

/** nspawn's child is first a copy of nspawn that prepares the board; then systemd, by whatever path. */
function isInit(argv: readonly string[]): boolean {
  return /\/(systemd|init)$/.test(argv[0] ?? '');
}

async function readProcess(pid: number): Promise<ProcessRow | null> {
  try {
    const [stat, cmdline] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    // The name in parentheses may hold anything, spaces and parentheses too: fields count from its end.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return { pid, parent, argv: cmdline.split('\0').slice(0, -1) };
  } catch {
    return null; // gone since the folder was listed
  }
}
