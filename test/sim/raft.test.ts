import t from 'tap';
import { simulate } from './raft/simulation.ts';

const SEEDS = 60;
const TICKS = 800;
const BUDGET_MS = 10_000;

/** A new seed in every run, so that the runs of all days together see more than those of one. BRAMBLE_SIM_SEED repeats one. */
const first = Number(process.env['BRAMBLE_SIM_SEED'] ?? Date.now() % 1_000_000_000);

void t.test(`a Raft group keeps every promise under faults, and recovers: seeds from ${first}`, (t) => {
  const start = Date.now();
  let committed = 0;
  for (let seed = first; seed < first + SEEDS && Date.now() - start < BUDGET_MS; seed += 1) {
    try {
      committed += simulate({ seed, ticks: TICKS }).committed;
    } catch (error) {
      t.fail(`repeat by: node test/sim/raft.sim.ts --seed ${seed} --seeds 1 --ticks ${TICKS}: ${String(error)}`);
    }
  }
  t.ok(committed > 0, `${committed} entries committed`);
  t.end();
});

void t.test('the simulation sees that a disk lies about flushes', (t) => {
  const violations: string[] = [];
  for (let seed = 1; seed <= 20; seed += 1) {
    try {
      simulate({ seed, ticks: TICKS, liesOneIn: 20 });
    } catch (error) {
      violations.push(String(error));
    }
  }
  t.ok(violations.length > 10, `${violations.length} of 20 runs failed, the first: ${violations[0]}`);
  t.end();
});

void t.test('simulate() does the same again for the same seed', (t) => {
  t.same(simulate({ seed: 7, ticks: TICKS }), simulate({ seed: 7, ticks: TICKS }));
  t.end();
});
