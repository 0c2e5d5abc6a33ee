/** `npm run simulate -- --seed N | --seeds FROM-TO`: whole networks in one process, reproducible by their seed. */
import { join } from 'node:path';
import { exitWith, prepareRuntime, root, run } from './toolchain.mjs';

async function main() {
  const runtime = await prepareRuntime();
  return run(runtime, [join(root, 'test', 'simulation', 'run.ts'), ...process.argv.slice(2)]);
}

exitWith(main());
