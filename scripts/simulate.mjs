/**
 * `npm run simulate -- --seed N | --seeds FROM-TO [--model steps|timed] [--mistake NAME]`: whole networks in one process,
 * each reproducible by its seed (test/simulation/run.ts).
 */
import { join } from 'node:path';
import { exitWith, prepareRuntime, root, run } from './toolchain.mjs';

async function main() {
  await prepareRuntime();
  return run([join(root, 'test', 'simulation', 'run.ts'), ...process.argv.slice(2)]);
}

exitWith(main());
