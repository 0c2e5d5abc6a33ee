/** `npm run faults`: real members under load and a fault, then healed and checked (scripts/faults/main.ts, docs/reliability.md). */
import { join } from 'node:path';
import { exitWith, prepareRuntime, root, run } from './toolchain.mjs';

async function main() {
  await prepareRuntime();
  return run([join(root, 'scripts', 'faults', 'main.ts'), ...process.argv.slice(2)]);
}

exitWith(main());
