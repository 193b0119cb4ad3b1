import type { LogSink } from '../../../src/raft/log-sink.ts';

const LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'NONE'] as const;

/** What a case prints: log lines from the members, and what the environment says about its doings. */
export class Output implements LogSink {
  #text = '';
  #level = 0;

  get text(): string {
    return this.#text;
  }

  get level(): string {
    return LEVELS[this.#level] ?? 'NONE';
  }

  /** At NONE only errors are printed. */
  get isQuiet(): boolean {
    return this.level === 'NONE';
  }

  setLevel(name: string): void {
    const level = LEVELS.findIndex((one) => one === name.toUpperCase());
    if (level < 0) throw new Error(`unknown log level ${name}`);
    this.#level = level;
  }

  reset(): void {
    this.#text = '';
  }

  write(text: string): void {
    if (!this.isQuiet) this.#text += text;
  }

  /** Indents what `act` prints. */
  indented(act: () => void): void {
    const before = this.#text;
    this.#text = '';
    act();
    const lines = this.#text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    this.#text = before + lines.map((line) => `  ${line}\n`).join('');
  }

  debug(line: string): void {
    this.#log(0, line);
  }

  info(line: string): void {
    this.#log(1, line);
  }

  warn(line: string): void {
    this.#log(2, line);
  }

  error(line: string): void {
    this.#log(3, line);
  }

  #log(level: number, line: string): void {
    if (this.#level <= level) this.write(`${LEVELS[level]} ${line}\n`);
  }
}
