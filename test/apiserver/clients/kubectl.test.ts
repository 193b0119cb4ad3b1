import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { execAny, type ExecResult } from '../../../src/host/exec.ts';
import { startRealCluster, until } from '../../controller/real-cluster.ts';
import { debianBin, fetchDebianPrograms } from '../../debian-programs.ts';
import { KUBECTL_COMMANDS, type KubectlCommand } from './kubectl-commands.ts';

/**
 * Every kubectl that is to be had does the same day's work before our API server and controllers: those of Debian 12 and 13
 * and, where BRAMBLE_TWIN_DIR has one, the one of Kubernetes itself (test/cli/README.md).
 */

const COMMAND_TIMEOUT_MS = 90_000;
const LONG = { timeout: 240_000 };
t.setTimeout(LONG.timeout);
t.jobs = 2;

interface Kubectl {
  readonly name: string;
  readonly path: string;
  readonly minor: number;
}

const why = await fetchDebianPrograms().then(
  () => 'not there',
  (error: unknown) => String(error),
);
const CANDIDATES = {
  'Debian 12’s kubectl': join(debianBin('bookworm'), 'kubectl'),
  'Debian 13’s kubectl': join(debianBin('trixie'), 'kubectl'),
  'upstream’s kubectl': join(process.env['BRAMBLE_TWIN_DIR'] ?? '/BRAMBLE_TWIN_DIR is not set', 'kubectl'),
};
const kubectls: Kubectl[] = [];
for (const [name, path] of Object.entries(CANDIDATES)) {
  if (!existsSync(path)) void t.test(`${name} works as ever`, { skip: `${path}: ${why}` }, async () => undefined);
  else {
    const { stdout } = await execAny([path, 'version', '--client', '-o', 'json']);
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { minor: string } };
    kubectls.push({ name, path, minor: Number.parseInt(clientVersion.minor, 10) });
  }
}
// What the cluster's own harness runs is found by its name.
const [first] = kubectls;
if (first !== undefined) {
  process.env['PATH'] = `${join(first.path, '..')}:${process.env['PATH']}`;
  await t.test('kubectl works as ever', LONG, async (t) => {
    t.jobs = 2;
    const { api } = await startRealCluster(t);
    const kubeconfig = join(api.folder, 'kubeconfig');
    await Promise.all(
      kubectls.map(async (kubectl) =>
        t.test(`${kubectl.name}, 1.${kubectl.minor}`, { ...LONG, buffered: true }, async (t) =>
          oneDay(t, kubectl, kubeconfig),
        ),
      ),
    );
  });
}

/** Runs all that this kubectl knows, in a namespace of its own. */
async function oneDay(t: Test, { path, minor }: Kubectl, kubeconfig: string): Promise<void> {
  const namespace = `day-${minor}`;
  const base = [path, `--kubeconfig=${kubeconfig}`, `--cache-dir=${kubeconfig}-cache-${minor}`];
  const made = await execAny([...base, 'create', 'namespace', namespace]);
  t.equal(made.stderr, '');
  base.push(`--namespace=${namespace}`);
  const isServiceAccountThere = async (): Promise<boolean> =>
    (await execAny([...base, 'get', 'sa', 'default'])).code === 0;
  await until(isServiceAccountThere);
  const known = KUBECTL_COMMANDS.filter(({ since = 0, upTo = 99 }) => since <= minor && minor <= upTo);
  for (const command of known) {
    const result = await runCommand(command, base, namespace);
    const title = command.args.join(' ').replaceAll('$ns', namespace);
    if (isAsExpected(command, result, namespace)) t.pass(title);
    else t.fail(title, { result, expected: String(command.fails ?? command.says ?? command.whispers) });
  }
}

async function runCommand(command: KubectlCommand, base: readonly string[], namespace: string): Promise<ExecResult> {
  const { args, input, env = {}, isAwaited = false } = command;
  const options = { env, timeoutMs: COMMAND_TIMEOUT_MS, ...(input === undefined ? {} : { input }) };
  const run = async (): Promise<ExecResult> =>
    execAny([...base, ...args.map((arg) => arg.replaceAll('$ns', namespace))], options);
  let result = await run();
  if (!isAwaited) return result;
  await until(async () => {
    result = await run();
    return isAsExpected(command, result, namespace);
  }).catch(() => undefined); // the caller says what it was instead
  return result;
}

function isAsExpected({ says, whispers, fails }: KubectlCommand, result: ExecResult, namespace: string): boolean {
  if ((result.code === 0) !== (fails === undefined)) return false;
  const matches = (pattern: RegExp | undefined, text: string): boolean =>
    pattern === undefined || new RegExp(pattern.source.replaceAll('\\$ns', namespace)).test(text);
  return matches(says, result.stdout) && matches(whispers ?? fails, result.stderr);
}
