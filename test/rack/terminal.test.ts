import { join } from 'node:path';
import t from 'tap';
import { openRack, type Rack, until } from './harness.ts';

/** A person at a terminal: what is typed reaches the pod's shell, and the shell knows the window's size. */

const { signal } = new AbortController();
const LONG = { timeout: 120_000 };
t.setTimeout(LONG.timeout);
/** Optional: it has to be compiled, which npm may have been told not to. */
const pty = await import('node-pty').catch(() => undefined);

const skip = pty === undefined ? 'node-pty is not built here: npm rebuild node-pty' : false;
void t.test('kubectl exec -it at a terminal', { ...LONG, skip }, async (t) => {
  const rack: Rack = await openRack('cluster', signal);
  await rack.kubectl([
    'run',
    'typed',
    '--image=docker.io/library/busybox:1',
    '--restart=Never',
    '--command',
    '--',
    'sleep',
    '600',
  ]);
  t.teardown(() => rack.tryKubectl(['delete', 'pod', 'typed', '--grace-period=0', '--force']));
  await rack.kubectl(['wait', '--for=condition=Ready', 'pod/typed', '--timeout=30s']);
  const kubectl = join(rack.paths.bin, 'kubectl');
  const args = [`--kubeconfig=${rack.paths.kubeconfig}`, 'exec', '-it', 'typed', '--', 'sh'];
  const terminal = pty?.spawn(kubectl, args, { cols: 101, rows: 33 });
  let screen = '';
  const ended = Promise.withResolvers<number>();
  terminal?.onData((text) => (screen += text));
  terminal?.onExit(({ exitCode }) => ended.resolve(exitCode));
  const shows = async (what: RegExp): Promise<unknown> =>
    until(String(what), async () => what.test(screen), { timeoutMs: 20_000, everyMs: 50, signal });

  await shows(/# /);
  terminal?.write('echo size=$(stty size)\r');
  await shows(/size=33 101/);
  terminal?.resize(80, 24);
  await until(
    'the new size',
    async () => {
      terminal?.write('echo size=$(stty size)\r');
      return /size=24 80/.test(screen);
    },
    { timeoutMs: 20_000, everyMs: 500, signal },
  );
  terminal?.write('sleep 100\r');
  terminal?.write('\u0003'); // Ctrl-C ends the sleep, not the shell
  terminal?.write('exit 9\r');
  t.equal(await ended.promise, 9, "the shell's exit code comes back");
});
