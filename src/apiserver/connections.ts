import type { Socket } from 'node:net';

interface State {
  /** Requests being worked on. */
  active: number;
}

/** The server's connections, least recently used first, so that idle ones can never keep a new client out. */
export class Connections {
  readonly #sockets = new Map<Socket, State>();
  readonly #max: number;

  /** @param max more are not held: whoever has been idle for longest has to go */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: Socket): void {
    this.#sockets.set(socket, { active: 0 });
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#sockets.size > this.#max) this.#dropIdlest(socket);
  }

  /** A request begins on a connection; gives the function that says that it is over. */
  use(socket: Socket): () => void {
    const state = this.#sockets.get(socket);
    if (state === undefined) return () => undefined;
    state.active += 1;
    return () => {
      state.active -= 1;
      if (!this.#sockets.delete(socket)) return;
      this.#sockets.set(socket, state); // last in the order: used a moment ago
    };
  }

  /** Ends them all. */
  destroy(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  /** Not the newest: when all others have watches, it would be the only idle one, and nobody could come in any more. */
  #dropIdlest(newest: Socket): void {
    for (const [socket, { active }] of this.#sockets) {
      if (active > 0 || socket === newest) continue;
      socket.destroy();
      this.#sockets.delete(socket);
      return;
    }
  }
}
