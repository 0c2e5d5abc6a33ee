/** `npm run bench`: uploads and downloads timed against vsftpd, with 1 and with 3 members. */
import { join } from 'node:path';
import { exitWith, prepare, root, run } from './toolchain.mjs';

async function main() {
  await prepare();
  return run([join(root, 'scripts', 'bench', 'main.ts'), ...process.argv.slice(2)]);
}

exitWith(main());
