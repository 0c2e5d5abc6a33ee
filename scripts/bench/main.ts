/** `npm run bench`: Cloudroid and its contestants, the same work in turn (--help). */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cleanup, cleanOnSignals } from './cleanup.ts';
import { loopbackContestants, runLoopback } from './loopback.ts';
import { Book } from './measure/measure.ts';
import { removeDeadGroups } from './measure/process-group.ts';
import { networkCases } from './network/cases.ts';
import { removeDeadNamespaces } from './network/namespaces.ts';
import { runNetwork } from './network/run-network.ts';
import { readOptions, usage } from './options.ts';
import { against } from './report/against.ts';
import { aboutHere } from './report/machine.ts';
import { writeDocs } from './report/markdown.ts';
import { chart } from './report/svg.ts';
import { terminalReport } from './report/table.ts';
import type { BenchResult } from './result.ts';
import { allWorkloads } from './workloads/all.ts';

const root = join(import.meta.dirname, '..', '..');

function load(file: string): BenchResult {
  return JSON.parse(readFileSync(file, 'utf8')) as BenchResult;
}

async function measureAll(options: ReturnType<typeof readOptions>): Promise<void> {
  const about = aboutHere(root);
  const begin = performance.now();
  const cleanup = new Cleanup();
  cleanOnSignals(cleanup);
  await removeDeadGroups();
  removeDeadNamespaces();
  const results = options.output;
  mkdirSync(results, { recursive: true });
  const folder = mkdtempSync(join(results, 'run-'));
  cleanup.add(folder, () => rmSync(folder, { recursive: true, force: true }));
  const book = new Book();
  const skipped: string[] = [];
  const skip = (why: string): void => {
    skipped.push(why);
    console.error(`skipped: ${why}`);
  };
  const tooLate = (what: string): boolean => {
    const late = performance.now() - begin > options.minutes * 60_000;
    if (late) skip(`${what}: ${options.minutes} minutes were over (--minutes)`);
    return late;
  };
  const failed = (what: string, error: unknown): void => {
    if (cleanup.begun) throw error;
    process.exitCode = 1;
    skip(`${what}: FAILED, ${error instanceof Error ? error.message : String(error)}`);
  };
  const context = { options, folder, cleanup, book, skip, failed, tooLate };
  try {
    await runLoopback(context);
    await runNetwork(context);
  } finally {
    await cleanup.run();
  }
  const { runs, sizes, networkBytes, clientMegabits } = options;
  const result: BenchResult = {
    ...about,
    runs,
    bigMebibytes: sizes.bigBytes / 2 ** 20,
    smallFiles: sizes.smallFiles,
    entries: sizes.entries,
    networkMebibytes: networkBytes / 2 ** 20,
    clientMegabits,
    seconds: Math.round((performance.now() - begin) / 1000),
    skipped,
    measurements: book.measurements,
  };
  console.log(`\n${terminalReport(result)}`);
  const name = join(results, about.date.slice(0, 19).replaceAll(':', ''));
  writeFileSync(`${name}.json`, `${JSON.stringify(result, null, 1)}\n`);
  writeFileSync(`${name}.svg`, chart(result));
  if (options.against !== null) console.log(`\n${against(load(options.against), result)}`);
  console.log(`\n${name}.json\n${name}.svg\nthis took ${result.seconds} s`);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.hashTreeRecords !== null) {
    const { benchHashTree } = await import('./workloads/hash-tree.ts');
    await benchHashTree(options.hashTreeRecords);
    process.exit(0);
  }
  const workloads = allWorkloads(options.sizes);
  const cases = networkCases(options);
  const names = [...workloads, ...cases].map(({ name }) => name);
  const strange = (options.only ?? []).filter((name) => !names.includes(name));
  if (strange.length > 0)
    throw new TypeError(`--only: no ${strange.join(', ')}; there are ${names.join(', ')}`);
  if (options.list) {
    for (const { name, title } of [...workloads, ...cases]) console.log(`${name.padEnd(16)} ${title}`);
    console.log(
      `\ncontestants: ${loopbackContestants.join(', ')}; in the network: cloudroid-9, glusterfs-3, moosefs-3`,
    );
  } else if (options.writeDocs !== null) {
    writeDocs(load(options.writeDocs), join(root, 'docs'));
  } else await measureAll(options);
}

if (process.argv.includes('--help')) {
  console.log(usage);
} else {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exitCode = 64;
  }
}
