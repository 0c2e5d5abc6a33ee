/** `npm run fuzz -- --seed N --seconds S [--sessions N] [--only INDEX] [--at-once N] [--snapshots DIR]`: ends with 1 when something is wrong. */
import { parseArgs } from 'node:util';
import { fuzz } from './run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    sessions: { type: 'string' },
    only: { type: 'string' },
    snapshots: { type: 'string' },
    'at-once': { type: 'string', default: '12' },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
console.log(`seed ${seed}, ${values.seconds} s`);
const began = performance.now();
const { wrong, sessions, lines, bytes } = await fuzz({
  seed,
  seconds: Number(values.seconds),
  atOnce: Number(values['at-once']),
  ...(values.sessions === undefined ? {} : { sessions: Number(values.sessions) }),
  ...(values.only === undefined ? {} : { only: Number(values.only) }),
  ...(values.snapshots === undefined ? {} : { snapshots: values.snapshots }),
  say: (line) => console.log(`  ${line}`),
});
const seconds = ((performance.now() - began) / 1000).toFixed(0);
console.log(`seed ${seed}: ${sessions} sessions, ${lines} lines, ${bytes} bytes in ${seconds} s`);
for (const what of wrong) console.log(`WRONG ${what}`);
console.log(
  wrong.length === 0
    ? 'nothing is wrong'
    : `${wrong.length} things are wrong; again: npm run fuzz -- --seed ${seed}`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
