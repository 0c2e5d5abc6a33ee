/** A slice of `npm run faults` (docs/reliability.md): each fault once, against three members under load. */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import test from 'ava';
import { faults } from '../../scripts/faults/catalogue.ts';
import { runFault } from '../../scripts/faults/run-fault.ts';
import { scales } from '../../scripts/faults/scales.ts';

const root = join(import.meta.dirname, '..', '..');
const main = join(root, 'dist', 'main.js');
const TEST_TIMEOUT_MS = 300_000;

test.before('the program is compiled: it starts in half the time', (t) => {
  t.timeout(TEST_TIMEOUT_MS);
  const build = spawnSync(process.execPath, [join(root, 'scripts', 'toolchain.mjs'), 'build'], {
    encoding: 'utf8',
  });
  t.is(build.status, 0, build.stderr);
});

for (const fault of faults) {
  test.serial(`no promise is broken by: ${fault.what} (${fault.name})`, async (t) => {
    t.timeout(TEST_TIMEOUT_MS);
    const seed = randomInt(1_000_000);
    const said: string[] = [];
    const result = await runFault(fault, seed, {
      scale: scales.slice,
      main,
      say: (line) => said.push(line),
      keepLogs: (logs) => console.error(logs.slice(-12_000)),
    });
    if (result.outcome === 'skipped') {
      t.log(`skipped: ${result.reasons.join('; ')}`);
      t.pass();
      return;
    }
    if (result.outcome === 'lacking') t.log(`skipped: ${result.reasons.join('; ')}`);
    t.log(
      `seed ${seed}: ${result.acknowledged} of ${result.operations} operations acknowledged, ${result.seconds} s`,
    );
    t.deepEqual(result.violations, [], `seed ${seed}; ${[...said, ...result.notes].join('; ')}`);
    t.true(result.acknowledged > 0);
  });
}
