/** Ids remembered per session; older ones count as applied. Half of it is more than a member has under way. */
const IDS_MAX = 16_384;
/** Sessions remembered; the one that was silent for longest goes first. */
const SESSIONS_MAX = 32;

/** What is stored of one session. */
export interface StoredSession {
  readonly session: number;
  readonly floor: number;
  readonly ids: readonly number[];
}

/**
 * Which proposals have been applied, so that one that was proposed again
 * (because nobody knew what became of it) is applied once. Part of the
 * replicated state: every member forgets at the same entry.
 */
export class SessionWindow {
  readonly #sessions = new Map<number, { floor: number; readonly ids: Set<number> }>();

  /** Notes that a proposal is being applied; false if it has been before. */
  enter(session: number, id: number): boolean {
    const window = this.#sessions.get(session) ?? { floor: 0, ids: new Set<number>() };
    if (id <= window.floor || window.ids.has(id)) return false;
    window.ids.add(id);
    if (window.ids.size > IDS_MAX) halve(window);
    // Set again, so that the map's order is that of the last use.
    this.#sessions.delete(session);
    this.#sessions.set(session, window);
    for (const other of this.#sessions.keys()) {
      if (this.#sessions.size <= SESSIONS_MAX) break;
      this.#sessions.delete(other);
    }
    return true;
  }

  /** For a checkpoint: in the order of the last use. */
  store(): StoredSession[] {
    return [...this.#sessions].map(([session, { floor, ids }]) => ({ session, floor, ids: [...ids] }));
  }

  /** In place of everything. */
  restore(sessions: readonly StoredSession[]): void {
    this.#sessions.clear();
    for (const { session, floor, ids } of sessions) this.#sessions.set(session, { floor, ids: new Set(ids) });
  }
}

/** Forgets the lower half, all at once: seldom, and by the ids alone, so that it happens alike everywhere. */
function halve(window: { floor: number; readonly ids: Set<number> }): void {
  const ascending = [...window.ids].sort((a, b) => a - b);
  for (const id of ascending.slice(0, IDS_MAX / 2)) {
    window.ids.delete(id);
    window.floor = id;
  }
}
