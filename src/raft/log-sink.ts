/** Takes the core's lines for an operator. The texts are etcd's, so that what is written about those fits ours. */
export interface LogSink {
  debug(line: string): void;
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Drops every line. */
export const SILENT: LogSink = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A member's id as it stands in a line: hexadecimal, as etcd prints it. */
export function hex(id: number): string {
  return id.toString(16);
}
