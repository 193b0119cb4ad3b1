import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import type { RackOptions } from './layout.ts';
import { RackError } from './rack-error.ts';
import type { RackPaths } from './rack-paths.ts';

/** What must be remembered from `up` to `down`; what runs is read from the process table instead. */
export interface RackState {
  readonly version: 1;
  readonly options: RackOptions;
  /** Name of the base tree below .rack/base. */
  readonly base: string;
  /** Whether this machine forwarded packets before the rack came. */
  readonly wasForwarding: boolean;
  /** Whether `up` came to its end: all Nodes were Ready. */
  readonly isReady: boolean;
}

/** The rack's state; undefined when there is no rack. @throws RackError when the file is not ours to read */
export async function readState(paths: RackPaths): Promise<RackState | undefined> {
  const text = await readFileIfThere(paths.state);
  if (text === undefined) return undefined;
  const state = parse(text);
  if (state?.version === 1) return state;
  throw new RackError(
    `${paths.state} is not of this version: end the rack with the version that made it, or remove .rack`,
  );
}

/** Writes the state so that a crash leaves the old or the new one. */
export async function writeState(paths: RackPaths, state: RackState): Promise<void> {
  await writeFileAtomic(paths.state, `${JSON.stringify(state, null, 2)}\n`, 0o644);
}

function parse(text: string): RackState | undefined {
  try {
    return JSON.parse(text) as RackState;
  } catch {
    return undefined; // not JSON: the caller says so
  }
}
