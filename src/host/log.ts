import { type Logger, pino } from 'pino';

type Fields = Readonly<Record<string, unknown>>;

/** Structured log lines: a constant message and fields. Never a secret, a token or a key among the fields. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  /** An Error goes under `error`; its stack is printed once, where the error is finally handled. */
  error(message: string, fields?: Fields): void;
  /** The same log with a `part` of its own. */
  part(name: string): Log;
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** A log of one part on standard output as JSON lines; journald adds the time. Level from BRAMBLE_LOG_LEVEL, else info. */
export function createLog(part: string): Log {
  const level = LEVELS.find((one) => one === process.env['BRAMBLE_LOG_LEVEL']) ?? 'info';
  const root = pino({
    level,
    base: null,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: errorFields },
    redact: { paths: ['token', 'password', 'secret', 'authorization', '*.token', '*.password'], censor: '[redacted]' },
  });
  return wrap(root, part);
}

/** Text, stack and code of an error and of those it gathers. Nothing else that it carries: that may be a key, or large. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = pino.stdSerializers.err(error);
  const code = 'code' in error ? error.code : undefined;
  const isGathered = error instanceof AggregateError && error.errors.length > 0;
  return { type, message, stack, code, ...(isGathered ? { errors: error.errors.map(errorFields) } : {}) };
}

/** @param root carries no part: a child of a child would print two */
function wrap(root: Logger, name: string): Log {
  const logger = root.child({ part: name });
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    part: (inner) => wrap(root, `${name}/${inner}`),
  };
}

/** Says nothing: for tests. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  part: () => silentLog,
};
