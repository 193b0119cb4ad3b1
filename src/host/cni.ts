import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';

/** Where CNI's host-local plugin keeps one file per address that it gave out, a folder per network. */
export const CNI_RESERVATIONS_DIR = '/var/lib/cni/networks';

/**
 * A sandbox younger than this may not be in the runtime's list yet, though its address is reserved: the runtime lists
 * it when its network stands.
 */
const SETTLED_MS = 600_000;

/** An address that is held for a sandbox. */
export interface CniReservation {
  readonly path: string;
  readonly sandboxId: string;
  readonly atMs: number;
}

/** Reservations whose sandbox does not exist: left by a pulled plug, they would use up the pod CIDR one by one. */
export function staleReservations(
  reservations: readonly CniReservation[],
  sandboxIds: ReadonlySet<string>,
  nowMs: number,
): readonly CniReservation[] {
  return reservations.filter(({ sandboxId, atMs }) => !sandboxIds.has(sandboxId) && nowMs - atMs > SETTLED_MS);
}

/** All reservations below the folder; none where host-local is not in use. */
export async function readReservations(folder = CNI_RESERVATIONS_DIR): Promise<readonly CniReservation[]> {
  const found: CniReservation[] = [];
  for (const network of await readdir(folder).catch(() => [])) {
    for (const name of await readdir(join(folder, network)).catch(() => [])) {
      if (isIP(name) === 0) continue; // `lock`, `last_reserved_ip.0`
      const path = join(folder, network, name);
      const text = await readFile(path, 'utf8').catch(() => undefined);
      const info = await stat(path).catch(() => undefined);
      if (text === undefined || info === undefined) continue;
      found.push({ path, sandboxId: text.split(/\s/)[0] ?? '', atMs: info.mtimeMs });
    }
  }
  return found;
}

/** Gives the addresses back. */
export async function removeReservations(reservations: readonly CniReservation[]): Promise<void> {
  for (const { path } of reservations) await rm(path, { force: true });
}
