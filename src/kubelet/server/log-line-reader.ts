/** Which lines are wanted, and how they are written. */
export interface LineChoice {
  /** Lines written before are left out. Milliseconds since 1970. */
  readonly sinceMs: number | undefined;
  readonly timestamps: boolean;
  readonly stream: 'stdout' | 'stderr' | undefined;
}

/** `2026-11-20T10:11:12.123456789+01:00 stdout F `: more than this before the text is no log line. */
const HEAD_BYTES_MAX = 128;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const NEWLINE_BYTES = Buffer.from('\n');

/**
 * Takes the text out of a container's log as CRI writes it (`<time> <stream> <F|P> <text>`; KEP of the CRI log format):
 * parts (P) of a long line are put together, what cannot be read is left out. Fed with the file's bytes in pieces of
 * any size; holds no line in memory.
 */
export class LogLineReader {
  readonly #choice: LineChoice;
  #state: 'head' | 'text' | 'skip' = 'head';
  #head: Buffer = Buffer.alloc(0);
  #isPart = false;
  /** The next line's text begins a line for the reader, too. */
  #isNewLine = true;

  constructor(choice: LineChoice) {
    this.#choice = choice;
  }

  /** The text within these bytes, in the order given. */
  read(bytes: Buffer): Buffer[] {
    const texts: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'head') at = this.#readHead(bytes, at, texts);
      else at = this.#readText(bytes, at, texts);
    }
    return texts;
  }

  #readHead(bytes: Buffer, from: number, texts: Buffer[]): number {
    const window = Buffer.concat([this.#head, bytes.subarray(from, from + HEAD_BYTES_MAX - this.#head.length)]);
    const end = thirdSpace(window);
    const newline = window.indexOf(NEWLINE);
    if (end < 0 || (newline >= 0 && newline < end)) {
      if (newline >= 0) return this.#startOver(from + newline + 1);
      if (window.length >= HEAD_BYTES_MAX) this.#state = 'skip';
      else this.#head = window;
      return this.#state === 'skip' ? from : bytes.length;
    }
    const next = from + end + 1 - this.#head.length;
    this.#head = Buffer.alloc(0);
    this.#begin(window.toString('latin1', 0, end), texts);
    return next;
  }

  #startOver(end: number): number {
    const next = end - this.#head.length;
    this.#head = Buffer.alloc(0);
    return next;
  }

  #begin(head: string, texts: Buffer[]): void {
    const [time = '', stream = '', tags = ''] = head.split(' ');
    const { sinceMs, timestamps, stream: only } = this.#choice;
    const isLog = stream === 'stdout' || stream === 'stderr';
    const isWanted =
      isLog && (only === undefined || only === stream) && !(sinceMs !== undefined && Date.parse(time) < sinceMs);
    this.#state = isWanted ? 'text' : 'skip';
    if (!isWanted) return;
    this.#isPart = tags.split(':')[0] === 'P';
    if (timestamps && this.#isNewLine) texts.push(Buffer.from(`${nanoseconds(time)} `));
    this.#isNewLine = false;
  }

  #readText(bytes: Buffer, from: number, texts: Buffer[]): number {
    const newline = bytes.indexOf(NEWLINE, from);
    const end = newline < 0 ? bytes.length : newline;
    if (this.#state === 'text' && end > from) texts.push(bytes.subarray(from, end));
    if (newline < 0) return end;
    if (this.#state === 'text' && !this.#isPart) {
      texts.push(NEWLINE_BYTES);
      this.#isNewLine = true;
    }
    this.#state = 'head';
    return newline + 1;
  }
}

function thirdSpace(bytes: Buffer): number {
  let at = -1;
  for (let i = 0; i < 3; i += 1) {
    at = bytes.indexOf(SPACE, at + 1);
    if (at < 0) return -1;
  }
  return at;
}

/** Nine digits after the point, always: Go leaves zeros at the end out, readers want columns. */
function nanoseconds(time: string): string {
  const match = /^([^.Z+]*)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(time);
  return match === null ? time : `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}${match[3]}`;
}
