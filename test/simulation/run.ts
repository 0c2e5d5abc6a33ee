/**
 * `npm run simulate -- --seed N | --seeds FROM-TO [--model steps|timed] [--mistake NAME] [--workers N] [--whole]`: other
 * seeds than the tests', on all cores. The first failures are told as short as they can be made; `--whole` with `--seed`
 * tells everything that happened.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { MODELS, tellShortest } from './models.ts';
import { MISTAKES, RULES, type Rules, withMistake } from './rules.ts';

interface Piece {
  readonly model: string;
  readonly from: number;
  readonly to: number;
}

interface Outcome {
  readonly piece: Piece;
  readonly failed: readonly number[];
}

/** Seeds a worker plays before it reports. */
const PIECE = 500;
/** Told in full; the count says the rest. */
const TOLD = 3;
const PROGRESS_MS = 10_000;

function rulesOf(name: string | undefined): Rules {
  const mistake = MISTAKES.find((each) => each === name);
  return mistake === undefined ? RULES : withMistake(mistake);
}

function play({ model, from, to }: Piece, rules: Rules): number[] {
  const failed: number[] = [];
  for (let seed = from; seed <= to; seed += 1)
    if ((MODELS[model]?.(seed, rules).broken.length ?? 0) > 0) failed.push(seed);
  return failed;
}

function* pieces(models: readonly string[], from: number, to: number): Generator<Piece, void> {
  for (const model of models)
    for (let start = from; start <= to; start += PIECE)
      yield { model, from: start, to: Math.min(to, start + PIECE - 1) };
}

async function playAll(
  work: Generator<Piece, void>,
  workers: number,
  mistake: string | undefined,
  seeds: number,
) {
  const failures = new Map<string, number>();
  const begun = performance.now();
  let played = 0;
  let said = begun;
  const take = ({ piece: { model, from, to }, failed }: Outcome): void => {
    played += to - from + 1;
    const before = failures.get(model) ?? 0;
    failures.set(model, before + failed.length);
    for (const seed of failed.slice(0, Math.max(0, TOLD - before)))
      console.log(`${tellShortest(model, seed, rulesOf(mistake))}\n`);
    if (performance.now() - said < PROGRESS_MS) return;
    said = performance.now();
    const perSecond = Math.round((played * 1000) / (said - begun));
    const count = [...failures.values()].reduce((sum, each) => sum + each, 0);
    console.error(`${played} of ${seeds} networks, ${count} with a broken promise, ${perSecond} a second`);
  };
  await Promise.all(
    Array.from({ length: workers }, async () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { mistake } });
      try {
        for (const piece of work) take(await ask(worker, piece));
      } finally {
        await worker.terminate();
      }
    }),
  );
  return failures;
}

function ask(worker: Worker, piece: Piece): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (failed: readonly number[]) => {
      worker.off('error', reject);
      resolve({ piece, failed });
    });
    worker.postMessage(piece);
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '1-20000' },
      model: { type: 'string' },
      mistake: { type: 'string' },
      workers: { type: 'string', default: String(availableParallelism()) },
      whole: { type: 'boolean', default: false },
    },
  });
  const [from = 1, to = from] = (values.seed ?? values.seeds).split('-').map(Number);
  const models = Object.keys(MODELS).filter((name) => values.model === undefined || values.model === name);
  const workers = Number(values.workers);
  const known = values.mistake === undefined || MISTAKES.some((each) => each === values.mistake);
  if (
    !Number.isSafeInteger(from) ||
    !Number.isSafeInteger(to) ||
    models.length === 0 ||
    !(workers >= 1) ||
    !known
  ) {
    console.error(
      `expected --seed N or --seeds FROM-TO, --model ${Object.keys(MODELS).join(' or ')}, --mistake ${MISTAKES.map((each) => `'${each}'`).join(' or ')}`,
    );
    process.exit(64);
  }
  if (values.whole) {
    for (const model of models) {
      const run = MODELS[model]?.(from, rulesOf(values.mistake));
      if (run !== undefined)
        console.log([`seed ${from}, model ${model}`, ...run.story, ...run.broken].join('\n  '));
    }
  }
  const seeds = models.length * (to - from + 1);
  const most = Math.min(workers, Math.ceil((to - from + 1) / PIECE));
  const failures = await playAll(pieces(models, from, to), most, values.mistake, seeds);
  for (const model of models) {
    const count = failures.get(model) ?? 0;
    console.log(`${model}: ${to - from + 1} networks, ${count} with a broken promise`);
    if (count > 0) process.exitCode = 1;
  }
}

if (isMainThread) await main();
else {
  const { mistake } = workerData as { readonly mistake: string | undefined };
  const rules = rulesOf(mistake);
  parentPort?.on('message', (piece: Piece) => parentPort?.postMessage(play(piece, rules)));
}
