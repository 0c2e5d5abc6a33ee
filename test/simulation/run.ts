/**
 * `npm run simulate -- --seed N | --seeds FROM-TO [--model steps|timed] [--mistake NAME]`: other seeds than the tests',
 * with their stories. Each seed is played in both models: step by step (network.ts) and in virtual time (timed/).
 */
import { parseArgs } from 'node:util';
import { runNetwork } from './network.ts';
import { type PlantedMistake, RULES, withMistake } from './rules.ts';
import { runTimed } from './timed/world.ts';

const MODELS = { steps: runNetwork, timed: runTimed };

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1-20000' },
    model: { type: 'string' },
    mistake: { type: 'string' },
  },
});
const rules = values.mistake === undefined ? RULES : withMistake(values.mistake as PlantedMistake);
const [from = 1, to = from] = (values.seed ?? values.seeds).split('-').map(Number);
const models = Object.entries(MODELS).filter(([name]) => values.model === undefined || values.model === name);
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || models.length === 0) {
  console.error('expected --seed N or --seeds FROM-TO, and --model steps or timed');
  process.exit(64);
}

for (const [name, play] of models) {
  let failures = 0;
  for (let seed = from; seed <= to; seed += 1) {
    const { broken, story } = play(seed, rules);
    if (broken.length === 0) continue;
    failures += 1;
    // The first failures in full; the count says the rest.
    if (failures > 3) continue;
    console.log(`seed ${seed}, model ${name}\n  ${story.join('\n  ')}`);
    console.log(`  BROKEN: ${broken.join('\n  BROKEN: ')}\n`);
  }
  console.log(`${name}: ${to - from + 1} networks, ${failures} with a broken promise`);
  if (failures > 0) process.exitCode = 1;
}
