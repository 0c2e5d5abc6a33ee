/** `npm run simulate -- --seed N | --seeds FROM-TO [--mistake NAME]`: other seeds than the tests', with their stories. */
import { parseArgs } from 'node:util';
import { runNetwork } from './network.ts';
import { type PlantedMistake, RULES, withMistake } from './rules.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1-20000' },
    mistake: { type: 'string' },
  },
});
const rules = values.mistake === undefined ? RULES : withMistake(values.mistake as PlantedMistake);
const [from = 1, to = from] = (values.seed ?? values.seeds).split('-').map(Number);
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
  console.error('expected --seed N or --seeds FROM-TO');
  process.exit(64);
}

let failures = 0;
for (let seed = from; seed <= to; seed += 1) {
  const { broken, story } = runNetwork(seed, rules);
  if (broken.length === 0) continue;
  failures += 1;
  // The first failures in full; the count says the rest.
  if (failures <= 3)
    console.log(`seed ${seed}\n  ${story.join('\n  ')}\n  BROKEN: ${broken.join('\n  BROKEN: ')}\n`);
}
console.log(`${to - from + 1} networks, ${failures} with a broken promise`);
process.exitCode = failures === 0 ? 0 : 1;
