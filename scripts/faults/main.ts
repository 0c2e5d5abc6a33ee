/**
 * `npm run faults -- [--fault NAME,NAME] [--seed N] [--runs N] [--long HOURS] [--output FILE] [--list]`: every fault against
 * real members under load. Prints a table, and writes one JSON line a run to .faults/<date>.jsonl (or FILE).
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { faults } from './catalogue.ts';
import { commitOf } from './machine.ts';
import { type RunResult, runFault } from './run-fault.ts';
import { scales } from './scales.ts';
import { table } from './table.ts';

const root = join(import.meta.dirname, '..', '..');
const { values } = parseArgs({
  options: {
    fault: { type: 'string' },
    seed: { type: 'string' },
    runs: { type: 'string', default: '1' },
    long: { type: 'string' },
    scale: { type: 'string' },
    output: { type: 'string' },
    main: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

if (values.list) {
  for (const { name, what } of faults) console.log(`${name.padEnd(24)} ${what}`);
  process.exit(0);
}
const wanted = values.fault?.split(',') ?? faults.map(({ name }) => name);
const unknown = wanted.filter((name) => !faults.some((fault) => fault.name === name));
const hours = values.long === undefined ? 0 : Number(values.long);
const runs = Number(values.runs);
const scale = scales[(values.scale ?? (hours > 0 ? 'long' : 'normal')) as keyof typeof scales];
if (unknown.length > 0 || !(hours >= 0) || !(runs >= 1) || scale === undefined) {
  console.error(
    `expected --fault of --list, --long HOURS, --runs N, --scale ${Object.keys(scales).join('|')}; not ${unknown.join(', ')}`,
  );
  process.exit(64);
}

const date = new Date().toISOString();
const output = values.output ?? join(root, '.faults', `${date.slice(0, 19).replaceAll(':', '')}.jsonl`);
mkdirSync(dirname(output), { recursive: true });
const commit = commitOf(root);
const results: RunResult[] = [];
const firstSeed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
const end = performance.now() + hours * 3_600_000;

/** Ctrl-C or SIGTERM: the run under way is ended in order (namespaces, mounts), the table shown. */
let interrupted = false;
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    console.error('after this run it ends; once more: at once');
  });
}

for (let round = 0; (round < runs || performance.now() < end) && !interrupted; round += 1) {
  for (const fault of faults) {
    if (!wanted.includes(fault.name) || interrupted) continue;
    const seed = firstSeed + round;
    console.log(`${fault.name}, seed ${seed}: ${fault.what}`);
    const result = await runFault(fault, seed, {
      scale,
      main: values.main,
      say: (line) => console.log(line),
      keepLogs: (logs) => writeFileSync(`${output}.${fault.name}-${seed}.log`, logs),
    });
    results.push(result);
    appendFileSync(output, `${JSON.stringify({ date: new Date().toISOString(), commit, ...result })}\n`);
    console.log(
      `  ${result.outcome} in ${result.seconds} s: ${result.acknowledged} of ${result.operations} acknowledged` +
        ` (${result.onlyHere} by one member alone), ${result.refused} refused, ${result.unknown} unknown` +
        `, identical after ${result.identicalAfterSeconds} s, ${result.violations.length} violations`,
    );
    for (const reason of result.reasons) console.log(`  ${result.outcome}: ${reason}`);
    for (const violation of result.violations.slice(0, 10)) console.log(`  BROKEN: ${violation}`);
  }
}
console.log(`\n${table(results)}\n\ncommit ${commit}, ${date.slice(0, 10)}; raw lines in ${output}`);
// What a broken run may have left open must not keep this from ending.
process.exit(results.some(({ outcome }) => outcome === 'broken') ? 1 : 0);
