/**
 * `npm run planted-bugs -- [--bug NAME] [--all-layers] [--list] [--raw FILE]`: each planted bug must be noticed by a test
 * (test/planted/run.ts).
 */
import { join } from 'node:path';
import { exitWith, prepareRuntime, root, run } from './toolchain.mjs';

async function main() {
  await prepareRuntime();
  return run(['--no-warnings', join(root, 'test', 'planted', 'run.ts'), ...process.argv.slice(2)]);
}

exitWith(main());
