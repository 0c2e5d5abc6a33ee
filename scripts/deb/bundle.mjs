/**
 * Joins the compiled program and its packages into few files: a board that starts reads some 40 files instead of 600 small
 * ones, which costs a third less processor time and, from a cold card, as many waits fewer.
 *
 *   node scripts/deb/bundle.mjs DIST OUTPUT      DIST lies beside the node_modules that it imports
 */
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild-wasm';

const [, , from = '', to = ''] = process.argv;

/** Packages in CommonJS find Node's own modules by it; what is inside a package may use what is deprecated, as it may unbundled. */
const banner = [
  "import { createRequire as createRequireOfBundle } from 'node:module';",
  'const require = createRequireOfBundle(import.meta.url);',
  'process.noDeprecation = true;',
].join('\n');

await build({
  // Names of files in it, and the hashes made of them, must not tell where it was made.
  absWorkingDir: dirname(resolve(from)),
  entryPoints: [resolve(from, 'main.js')],
  outdir: resolve(to),
  bundle: true,
  // One file for each command, and what several share: a role loads no more than before.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  // bunyan asks for a native add-on that is not shipped; the version of ftp-srv is read from its own description.
  external: ['dtrace-provider', 'ftp-srv/package.json'],
  banner: { js: banner },
  // Who reads a stack trace wants the names; the licences are in the copyright file.
  keepNames: false,
  legalComments: 'none',
  logLevel: 'warning',
});
