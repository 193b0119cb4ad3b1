import { join } from 'node:path';
import { exec } from '../host/exec.ts';
import type { RackPaths } from './rack-paths.ts';

/**
 * Compiles the checkout into its `dist/`, which boards run as they run a release: TypeScript would cost each process its
 * compiler's memory and time. @throws ExecError with what the compiler says
 */
export async function compileCode({ checkout }: RackPaths, signal: AbortSignal): Promise<void> {
  await exec(['sh', join(checkout, 'src/cli/build.sh')], { signal });
}
