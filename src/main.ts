import { Command } from 'commander';
import { registerBoardCommands } from './cli/board-commands.ts';
import { registerRackCommands } from './cli/rack-commands.ts';

/** The command line: one subcommand per part, and those for the rack. */
async function main(): Promise<void> {
  const program = new Command('bramble').description('Kubernetes for a shelf of Raspberry Pis');
  registerBoardCommands(program);
  registerRackCommands(program);
  await program.parseAsync();
}

main().catch((error: unknown) => {
  process.stderr.write(`bramble: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
