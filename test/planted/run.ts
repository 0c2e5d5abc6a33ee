/**
 * `scripts/planted-bugs [--bug NAME]... [--all-layers] [--list] [--raw FILE]`: plants each bug, runs the tests of the layers
 * that may notice it, fast ones first, up to the first that does, and tells which test it was. Before that the same tests
 * must pass with nothing planted. Exit status 1 when a bug is not noticed or a test fails by itself, 64 for a wrong call.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BUGS, type Bug, LAYERS, type Layer } from './bugs.ts';
import { type LayerOutcome, runLayer } from './run-layer.ts';
import { table } from './table.ts';

const LIMIT_SECONDS: { readonly [layer in Layer]: number } = {
  unit: 120,
  simulation: 240,
  'storage crash': 300,
  network: 300,
};

const { values } = parseArgs({
  options: {
    bug: { type: 'string', multiple: true },
    'all-layers': { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    raw: { type: 'string' },
  },
});

function chosenBugs(): readonly Bug[] {
  const names = values.bug?.map((name) => name.replaceAll('-', ' '));
  const unknown = names?.find((name) => !BUGS.some((bug) => bug.name === name));
  if (unknown === undefined) return BUGS.filter(({ name }) => names?.includes(name) ?? true);
  console.error(`cloudroid: there is no planted bug "${unknown}"; --list names them`);
  process.exit(64);
}

async function run(bug: Bug['name'] | null, layer: Layer, files: readonly string[]): Promise<LayerOutcome> {
  const outcome = await runLayer({ bug, layer, files }, LIMIT_SECONDS[layer]);
  const line = JSON.stringify(outcome);
  console.log(line);
  if (values.raw !== undefined) appendFileSync(values.raw, `${line}\n`);
  return outcome;
}

/** The tests of all these bugs with nothing planted, each file once. */
async function withoutBugs(bugs: readonly Bug[]): Promise<LayerOutcome[]> {
  const outcomes: LayerOutcome[] = [];
  for (const layer of LAYERS) {
    const files = [...new Set(bugs.flatMap(({ tests }) => tests[layer] ?? []))];
    if (files.length > 0) outcomes.push(await run(null, layer, files));
  }
  return outcomes;
}

/** `broken`: tests that fail without any bug, and so prove nothing. */
async function withBug({ name, tests }: Bug, broken: ReadonlySet<string>): Promise<LayerOutcome[]> {
  const outcomes: LayerOutcome[] = [];
  for (const layer of LAYERS) {
    const files = tests[layer];
    if (files === undefined) continue;
    const found = await run(name, layer, files);
    const failed = found.failed.filter((title) => !broken.has(bare(title)));
    const proven = found.outcome !== 'caught' || failed.length > 0;
    const outcome: LayerOutcome = { ...found, failed, outcome: proven ? found.outcome : 'broken' };
    outcomes.push(outcome);
    if (outcome.outcome === 'caught' && !values['all-layers']) break;
  }
  return outcomes;
}

/** Without the names of files, which ava puts before it when there are several. */
function bare(title: string): string {
  return title.split(' › ').at(-1) ?? title;
}

async function main(): Promise<number> {
  const bugs = chosenBugs();
  if (values.list) {
    for (const { name, harm } of bugs) console.log(`${name}: ${harm}`);
    return 0;
  }
  if (values.raw !== undefined) writeFileSync(values.raw, '');
  const sound = await withoutBugs(bugs);
  const planted: LayerOutcome[] = [];
  const broken = new Set(sound.flatMap(({ failed }) => failed.map(bare)));
  for (const bug of bugs) planted.push(...(await withBug(bug, broken)));
  console.log(`\n${table([...sound, ...planted])}`);
  const missed = bugs.filter(
    ({ name }) => !planted.some(({ bug, outcome }) => bug === name && outcome === 'caught'),
  );
  const unsound = sound.filter(({ outcome }) => outcome !== 'passed');
  console.log(`\n${bugs.length - missed.length} of ${bugs.length} planted bugs were caught`);
  for (const { name } of missed) console.log(`NOT CAUGHT: ${name}`);
  for (const { layer, outcome, failed } of unsound) {
    console.log(
      `WITHOUT ANY BUG the ${layer} tests: ${outcome}${failed.length > 0 ? ` (${failed.join('; ')})` : ''}`,
    );
  }
  // As .ci/run reads it.
  console.log(`${bugs.length - missed.length} passed, ${missed.length + unsound.length} failed, 0 skipped`);
  return missed.length + unsound.length === 0 ? 0 : 1;
}

process.exitCode = await main();
