/** `npm run fuzz`: nonsense against two real members under a seed (scripts/fuzz/main.ts). */
import { join } from 'node:path';
import { exitWith, prepare, root, run } from './toolchain.mjs';

async function main() {
  await prepare();
  return run([join(root, 'scripts', 'fuzz', 'main.ts'), ...process.argv.slice(2)]);
}

exitWith(main());
