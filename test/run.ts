/**
 * `npm test`: the checks, then every test file, then a rack that is made for the rack tests and taken down again. Says at
 * the end how many passed, failed and were skipped, and why those were skipped.
 *
 *   node test/run.ts            all
 *   node test/run.ts --no-rack  without the rack (not root, or no time)
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { debianBin } from './debian-programs.ts';

interface Stage {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Test files of a stage are counted; other stages only succeed or fail. */
  readonly isTests?: boolean;
}

interface Counts {
  passed: number;
  failed: number;
  readonly skipped: string[];
}

/** Tests that load both cores for long would spoil each other's times: one after the other. */
const ALONE = /\/(sim|store|contract|kubelet|proxy|network|apiserver)\//;
/** One test's own limit; tap's is 30 s, too short on a loaded board. */
const ENV = {
  TAP_TIMEOUT: '300',
  // Every host tests with the same kubectl and etcd: Debian 13's, where its mirror could be reached.
  PATH: `${debianBin('trixie')}:${process.env['PATH']}`,
};

const unit = globSync('test/**/*.test.ts')
  .filter((file) => !file.startsWith('test/rack/'))
  .toSorted();
const light = unit.filter((file) => !ALONE.test(file));
const heavy = unit.filter((file) => ALONE.test(file));
const isRoot = process.getuid?.() === 0;
const wantsRack = isRoot && !process.argv.includes('--no-rack');

const rackStages: readonly Stage[] = [
  { name: 'a rack of five boards', argv: ['node', 'src/main.ts', 'up'] },
  {
    name: 'tests on the rack',
    argv: [
      'node',
      '--test',
      '--test-concurrency=1',
      ...['cluster', 'terminal', 'wrong-boards', 'certificates', 'plugs', 'boards'].map(
        (one) => `test/rack/${one}.test.ts`,
      ),
    ],
    isTests: true,
  },
  {
    name: 'nothing is left of the rack',
    argv: ['node', '--test', 'test/rack/down.test.ts'],
    env: { BRAMBLE_TEST_DOWN: '1' },
    isTests: true,
  },
];

const stages: readonly Stage[] = [
  { name: 'checks', argv: ['npm', 'run', '--silent', 'check'] },
  { name: 'clients and servers of other makers', argv: ['node', 'test/debian-programs.ts'] },
  { name: 'pure code and small machines', argv: ['node', '--test', '--test-concurrency=2', ...light], isTests: true },
  { name: 'parts with real peers', argv: ['node', '--test', '--test-concurrency=2', ...heavy], isTests: true },
  ...(wantsRack ? rackStages : []),
];

/** Runs one stage to its end, showing what it prints. */
async function run(stage: Stage, counts: Counts): Promise<void> {
  const startMs = performance.now();
  process.stdout.write(`\n== ${stage.name}\n`);
  const [program = '', ...rest] = stage.argv;
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...ENV, ...stage.env },
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
    const end = text.lastIndexOf('\n') + 1;
    for (const line of text.slice(0, end).split('\n')) read(line, stage, counts);
    text = text.slice(end);
  });
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)));
  if (code !== 0 && (stage.isTests !== true || counts.failed === 0)) counts.failed += 1;
  process.stdout.write(
    `== ${stage.name}: ${code === 0 ? 'well' : `ended with ${code}`} after ${Math.round((performance.now() - startMs) / 1000)} s\n`,
  );
}

/** Of the test runner's lines: counts, failures, comments and skips are shown, the thousands that passed are not. */
function read(line: string, stage: Stage, counts: Counts): void {
  if (stage.isTests !== true) return void (line !== '' && process.stdout.write(`${line}\n`));
  const count = /^ℹ (pass|fail|skipped) (\d+)/.exec(line);
  if (count?.[1] === 'pass') counts.passed += Number(count[2]);
  if (count?.[1] === 'fail') counts.failed += Number(count[2]);
  if (/# (SKIP|skip)/.test(line) || /^\s*﹣/.test(line)) counts.skipped.push(line.trim());
  if (!/^\s*(✔|▶|﹣|$)/.test(line)) process.stdout.write(`${line}\n`);
}

const counts: Counts = { passed: 0, failed: 0, skipped: [] };
for (const stage of stages) await run(stage, counts);
if (counts.skipped.length > 0) process.stdout.write(`\nskipped:\n${[...new Set(counts.skipped)].join('\n')}\n`);
if (!wantsRack) process.stdout.write(`\nskipped: the rack's tests (${isRoot ? '--no-rack' : 'they need root'})\n`);
process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped\n`);
process.exitCode = counts.failed === 0 ? 0 : 1;
