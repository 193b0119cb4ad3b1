import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad, untilReady } from './memory-load.ts';

/**
 * One control board of bench/memory.ts: process 1 of namespaces that it was started in, where it stands in the place of
 * systemd. Does what it is told by messages of its parent, `[command, argument]`, and answers each with one.
 */
const CHECKOUT = join(import.meta.dirname, '..');
/** Folders of the machine that the board has a private, empty copy of. */
export const PRIVATE = [
  '/etc/bramble',
  '/etc/cni',
  '/var/cache/bramble',
  '/var/lib/bramble',
  '/var/lib/containerd',
  '/var/lib/kubelet',
  '/var/log/pods',
  '/run/bramble',
  '/run/containerd',
];
const PARTS = ['store', 'server', 'agent'] as const;
type Part = (typeof PARTS)[number];
const TICKS_PER_SECOND = 100;

/** What one process holds, in MB, and uses, in percent of a core. */
export type Usage = Readonly<Record<'rss' | 'pss' | 'own' | 'cpu', number>>;

const [entry = '', number = '', folder = ''] = process.argv.slice(2);
const parts = new Map<Part, ChildProcess>();
let running = (): number => 0;

const COMMANDS: Readonly<Record<string, (argument: string) => Promise<unknown>>> = {
  /** Makes the board's network, folders and configuration (the argument adds lines), and starts its containerd. */
  async make(config) {
    const ip = (text: string): void => void execFileSync('ip', text.split(' '));
    ip('link set lo up');
    ip(`address add 10.9.0.${number}/24 dev eth0`);
    ip('link set eth0 up');
    ip('route add default via 10.9.0.254');
    for (const path of PRIVATE) execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path]);
    execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup']);
    const text = `name: c${number}\nrole: control\naddresses: { api: 10.9.0.100 }\n${config}`;
    writeFileSync('/etc/bramble/config.yaml', text, { mode: 0o600 });
    spawn('containerd', { stdio: ['ignore', 'ignore', openLog('containerd')] });
  },
  /** Gives the token that makes others control boards of this one's cluster. */
  async init() {
    execFileSync(process.execPath, [entry, 'init'], { stdio: 'ignore' });
    return (JSON.parse(readFileSync('/var/lib/bramble/tokens.json', 'utf8')) as { control: string }).control;
  },
  /** Founds or joins the cluster, and starts the parts with what their units set. */
  async start() {
    execFileSync(process.execPath, [entry, 'join'], { stdio: ['ignore', openLog('join'), 'inherit'] });
    for (const part of PARTS) parts.set(part, startPart(part));
  },
  /** Ends the parts as a pulled plug does. */
  async kill() {
    const all = [...parts.values()];
    await Promise.all(all.map(async (one) => new Promise((settle) => one.once('exit', settle) && one.kill('SIGKILL'))));
  },
  async untilReady() {
    await untilReady(`c${number}`, AbortSignal.timeout(120_000));
  },
  /** Acts for `nodes,deployments`. */
  async load(argument) {
    const [nodes = 0, deployments = 0] = argument.split(',').map(Number);
    running = await startLoad(nodes, deployments, new AbortController().signal);
  },
  async pods() {
    return running();
  },
  async measure(ms) {
    const before = new Map([...parts].map(([part, { pid }]) => [part, cpuSeconds(pid)]));
    await sleep(Number(ms));
    return [...parts].map(([part, { pid }]) => {
      const cpu = (100_000 * (cpuSeconds(pid) - (before.get(part) ?? 0))) / Number(ms);
      return [part, { ...memoryOf(pid), cpu }];
    });
  },
};

function openLog(name: string): number {
  return openSync(join(folder, `c${number}-${name}.log`), 'a');
}

/** Nothing of this process's environment: a board has no authorities or flags of the machine's. */
function startPart(part: Part): ChildProcess {
  const log = openLog(part);
  const unit = readFileSync(join(CHECKOUT, `systemd/bramble-${part}.service`), 'utf8');
  const env: Record<string, string | undefined> = { PATH: process.env['PATH'] };
  for (const [, line = ''] of unit.matchAll(/^Environment=(.*)$/gm))
    for (const [, name = '', quoted, plain = ''] of line.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g))
      env[name] = quoted ?? plain;
  const args = ['--disable-warning=ExperimentalWarning', entry, part];
  return spawn(process.execPath, args, { env, stdio: ['ignore', log, log] });
}

/** @throws Error when the process has ended: then its log says why */
function memoryOf(pid: number | undefined): Omit<Usage, 'cpu'> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024;
  return { rss: mb('Rss'), pss: mb('Pss'), own: mb('Private_Clean') + mb('Private_Dirty') };
}

/** With that of the programs that it has run. */
function cpuSeconds(pid: number | undefined): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const ticks = fields.split(' ').slice(11, 15).map(Number);
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_PER_SECOND;
}

function listen(): void {
  process.on('message', ([command = '', argument = '']: string[]) => {
    void COMMANDS[command]?.(argument).then(
      (answer) => process.send?.({ answer }),
      (error: unknown) => process.send?.({ error: `c${number}: ${command}: ${String(error)}` }),
    );
  });
  process.once('disconnect', () => process.exit());
}

if (import.meta.main) listen();
