/**
 * `npm test`: set-up, build, types, lint, then every test except the slow tiers (CLOUDROID_SLOW=1 runs only those; folders or
 * files as arguments run just these). The last line is `N passed, N failed, N skipped`; build, types and lint count as one each.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { TapReport } from './tap-report.mjs';
import { check, checks, exitWith, prepareRuntime, root } from './toolchain.mjs';

/** Real FTP programs, whole networks, kills and cuts: minutes, not seconds. */
const slowTiers = ['clients', 'network', 'attacks', 'faults'];

function chosenFiles() {
  const named = process.argv.slice(2);
  if (named.length > 0) return named;
  const slow = process.env.CLOUDROID_SLOW === '1';
  const entries = readdirSync(join(root, 'test'), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && slowTiers.includes(entry.name) === slow);
  const withTests = folders.map(({ name }) => `test/${name}`).filter(holdsTests);
  return slow ? withTests : [...withTests, 'test/*.test.ts'];
}

function holdsTests(/** @type {string} */ folder) {
  return readdirSync(join(root, folder), { recursive: true }).some((name) =>
    String(name).endsWith('.test.ts'),
  );
}

/** Runs ava over the files; `report` gets the counts. */
async function runTests(
  /** @type {string} */ runtime,
  /** @type {string[]} */ files,
  /** @type {TapReport} */ report,
) {
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.js');
  // One file after the other where whole networks run: two at once on two cores would only time each other out.
  const pace =
    process.env.CLOUDROID_SLOW === '1' ? ['--serial', '--concurrency=1', '--timeout=10m'] : ['--timeout=2m'];
  const patterns = files.map((file) =>
    existsSync(join(root, file)) && !file.endsWith('.ts') ? `${file}/**/*.test.ts` : file,
  );
  const child = spawn(runtime, [ava, '--tap', ...pace, ...patterns], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: `${dirname(runtime)}:${process.env.PATH}` },
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  for await (const line of createInterface({ input: child.stdout })) report.line(line);
  report.end();
  const status = await ended;
  if (status !== 0 && report.failed === 0) {
    report.failed += 1;
    console.log(`FAILED   ava ended with status ${status}`);
  }
}

async function main() {
  const runtime = await prepareRuntime();
  const report = new TapReport((line) => console.log(line));
  if (process.argv.length === 2 && process.env.CLOUDROID_SLOW !== '1') {
    const wrong = await check();
    for (const part of checks) console.log(`${wrong.includes(part) ? 'FAILED  ' : 'ok      '} ${part}`);
    report.failed += wrong.length;
    report.passed += checks.length - wrong.length;
  }
  const files = chosenFiles();
  if (files.length > 0) await runTests(runtime, files, report);
  console.log(`\n${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`);
  return report.failed === 0 ? 0 : 1;
}

exitWith(main());
