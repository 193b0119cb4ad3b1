import { PARTS } from './cli/parts.ts';

/** A part by its name alone is run at once: what reads a whole command line would stay in its memory. */
async function main(): Promise<void> {
  const [name, ...rest] = process.argv.slice(2);
  const part = rest.length === 0 ? PARTS.find((one) => one.name === name) : undefined;
  if (part !== undefined) return part.run();
  const { runCommandLine } = await import('./cli/command-line.ts');
  return runCommandLine();
}

main().catch((error: unknown) => {
  process.stderr.write(`bramble: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
