/** `npm run faults`: real members under load and a fault, then healed and checked (scripts/faults/main.ts, docs/reliability.md). */
import { join } from 'node:path';
import { exitWith, prepare, root, run } from './toolchain.mjs';

async function main() {
  await prepare();
  const program = ['--main', join(root, 'dist', 'main.js')];
  return run([join(root, 'scripts', 'faults', 'main.ts'), ...program, ...process.argv.slice(2)]);
}

exitWith(main());
