import { parseArgs } from 'node:util';
import { simulate } from './raft/simulation.ts';

// node test/sim/raft.sim.ts --seed 1 --seeds 1000 --ticks 3000
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '100' },
    ticks: { type: 'string', default: '2000' },
  },
});
const [first, count, ticks] = [Number(values.seed), Number(values.seeds), Number(values.ticks)];
const sum = { committed: 0, reads: 0, crashes: 0, elections: 0, changes: 0, ticksToRecover: 0 };
let failures = 0;
for (let seed = first; seed < first + count; seed += 1) {
  try {
    const result = simulate({ seed, ticks });
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += result[key];
  } catch (error) {
    failures += 1;
    console.error(`seed ${seed} ticks ${ticks}:`, error);
  }
}
console.log(`seeds ${first} to ${first + count - 1}, ${ticks} ticks each: ${failures} failed`, sum);
process.exitCode = failures > 0 ? 1 : 0;
