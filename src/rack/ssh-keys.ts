import { chmod, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { exec } from '../host/exec.ts';
import { readFileIfThere } from '../host/file.ts';

/** An OpenSSH key pair, both as the lines that its files hold. */
export interface SshKeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** The ed25519 pair at `path` and `path`.pub, made by ssh-keygen when it is not there. */
export async function sshKeyPair(path: string, comment: string, signal: AbortSignal): Promise<SshKeyPair> {
  if ((await readFileIfThere(`${path}.pub`)) === undefined) {
    await mkdir(dirname(path), { recursive: true });
    await chmod(dirname(path), 0o700);
    // A private half from a run that was cut off: "y" to overwrite it.
    const argv = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path];
    await exec(argv, { input: 'y\n', signal });
  }
  const [privateKey, publicKey] = await Promise.all([readFile(path, 'utf8'), readFile(`${path}.pub`, 'utf8')]);
  return { privateKey, publicKey };
}
