import { errorText } from '../api/error-text.ts';
import type { Exchange } from './exchange.ts';

/** One thing that must be well; throws when it is not. */
export interface HealthCheck {
  readonly name: string;
  /** Whether a failure means that a restart would help. */
  readonly isLiveness: boolean;
  check(signal: AbortSignal): Promise<void>;
}

const CHECK_TIMEOUT_MS = 2000;

/** `/healthz`, `/livez`, `/readyz`, each with `?verbose`, `?exclude=` and a path per check, in upstream's words. */
export class Health {
  readonly #checks: readonly HealthCheck[];

  constructor(checks: readonly HealthCheck[]) {
    this.#checks = [{ name: 'ping', isLiveness: true, check: () => Promise.resolve() }, ...checks];
  }

  /** Answers; false when the path is none of these. */
  async handle(exchange: Exchange): Promise<boolean> {
    const [, endpoint = '', name = ''] = exchange.path.split('/');
    if (endpoint !== 'healthz' && endpoint !== 'livez' && endpoint !== 'readyz') return false;
    const own = endpoint === 'livez' ? this.#checks.filter(({ isLiveness }) => isLiveness) : this.#checks;
    if (name !== '') {
      const one = own.find((check) => check.name === name);
      if (one === undefined) return false;
      const why = await failureOf(one, exchange.signal);
      await send(exchange, why === null ? 200 : 500, why === null ? 'ok' : `internal server error: ${why}\n`);
      return true;
    }
    await this.#report(exchange, endpoint, own);
    return true;
  }

  async #report(exchange: Exchange, endpoint: string, checks: readonly HealthCheck[]): Promise<void> {
    const excluded = new Set(exchange.query.getAll('exclude'));
    const lines = await Promise.all(
      checks.map(async (check) => {
        if (excluded.has(check.name)) return { isWell: true, text: `[+]${check.name} excluded: ok` };
        const why = await failureOf(check, exchange.signal);
        return {
          isWell: why === null,
          text: why === null ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`,
        };
      }),
    );
    const isWell = lines.every((line) => line.isWell);
    const text = lines.map((line) => `${line.text}\n`).join('');
    if (!isWell) return send(exchange, 500, `${text}${endpoint} check failed\n`);
    await send(exchange, 200, exchange.query.has('verbose') ? `${text}${endpoint} check passed\n` : 'ok');
  }
}

async function failureOf(one: HealthCheck, signal: AbortSignal): Promise<string | null> {
  try {
    await one.check(AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]));
    return null;
  } catch (error) {
    return errorText(error);
  }
}

async function send(exchange: Exchange, code: number, text: string): Promise<void> {
  await exchange.send(code, 'text/plain; charset=utf-8', text, { 'x-content-type-options': 'nosniff' });
}
