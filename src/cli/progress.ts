/** Tells a person at a terminal, or a log, what a command is at and how long each stage took. */
export interface Progress {
  /** Runs one stage; `note` shows what it is at just now and may name its outcome. */
  stage<T>(title: string, action: (note: (text: string) => void) => Promise<T>): Promise<T>;
  /** One line for itself. */
  say(text: string): void;
}

const TITLE_WIDTH = 30;

/**
 * Progress as lines on `output`: a stage that ends leaves `title  1.2 s  last note`. On a terminal the line of the stage
 * under way is rewritten in place.
 */
export function createProgress(output: NodeJS.WriteStream): Progress {
  const isLive = output.isTTY;
  const startMs = performance.now();
  const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`.padStart(8);
  const cut = (text: string): string => text.slice(0, Math.max(20, (output.columns ?? 120) - TITLE_WIDTH - 12));
  return {
    async stage(title, action) {
      const stageMs = performance.now();
      let last = '';
      const line = (): string => `  ${title.padEnd(TITLE_WIDTH)}${seconds(stageMs)}  ${cut(last)}`;
      const rewrite = (): void => {
        if (isLive) output.write(`\r\u001b[K${line()}`);
      };
      rewrite();
      try {
        return await action((text) => {
          last = text;
          rewrite();
        });
      } finally {
        output.write(`${isLive ? '\r\u001b[K' : ''}${line()}\n`);
      }
    },
    say(text) {
      output.write(`${text}\n`.replace('{total}', seconds(startMs).trim()));
    },
  };
}
