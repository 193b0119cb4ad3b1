import { Command } from 'commander';
import { registerBoardCommands } from './board-commands.ts';
import { registerRackCommands } from './rack-commands.ts';
import { registerTwinCommands } from './twin-commands.ts';

/** What people type: one subcommand per part, and those for the rack. */
export async function runCommandLine(): Promise<void> {
  const program = new Command('bramble').description('Kubernetes for a shelf of Raspberry Pis');
  registerBoardCommands(program);
  registerTwinCommands(program);
  registerRackCommands(program);
  await program.parseAsync();
}
