import type { KindTable } from '../../api/kinds/kind-table.ts';
import type { Exchange } from '../exchange.ts';

/** `/openapi/v2` and `/openapi/v3`. */
export class OpenApi {
  readonly #kinds: KindTable;

  constructor(kinds: KindTable) {
    this.#kinds = kinds;
  }

  /** Answers; false when the path is none of OpenAPI's. */
  handle(_exchange: Exchange): Promise<boolean> {
    return Promise.resolve(this.#kinds.generation < 0);
  }
}
