/** The switch of the planted bugs: it reaches the tests' processes, and a product never. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { BUGS, switchOn } from './bugs.ts';

const root = join(import.meta.dirname, '..', '..');

/** Which bugs a process sees that loads this very module, with this in its environment. */
function seen(module: string, environment: { readonly [name: string]: string }): string[] {
  const program = `
    const { isPlanted } = await import(${JSON.stringify(pathToFileURL(module).href)});
    console.log(JSON.stringify(${JSON.stringify(BUGS.map(({ name }) => name))}.filter(isPlanted)));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
  });
  const found: unknown = JSON.parse(stdout || `"${stderr}"`);
  if (!Array.isArray(found)) throw new Error(stderr);
  return found.map(String);
}

const source = join(root, 'src', 'system', 'planted-bug.ts');

test('each bug is switched on alone, in the process and in its children', (t) => {
  for (const { name } of BUGS) t.deepEqual(seen(source, { NODE_OPTIONS: switchOn(name) }), [name]);
});

test('without a name the switch plants nothing', (t) => {
  t.deepEqual(seen(source, { NODE_OPTIONS: switchOn(null) }), []);
});

test('a variable that names a bug does nothing', (t) => {
  const environment = { CLOUDROID_PLANTED_BUG: 'no kept', PLANTED_BUG: 'no kept', BUG: 'no kept' };
  t.deepEqual(seen(source, { ...environment, NODE_OPTIONS: '--conditions=planted' }), []);
});

test('the compiled product has a constant that no switch reaches', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-planted-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const made = spawnSync(
    process.execPath,
    [compiler, '-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')],
    { cwd: root, encoding: 'utf8' },
  );
  t.is(made.status, 0, made.stdout);
  const compiled = join(folder, 'dist', 'system', 'planted-bug.js');
  t.regex(readFileSync(compiled, 'utf8'), /isPlanted\(_bug\) \{\s*return false;\s*\}/);
  t.deepEqual(seen(compiled, { NODE_OPTIONS: switchOn('no kept') }), []);
});

test('nothing in src but its own file can plant a bug, and every bug has its place there', (t) => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && path !== 'system/planted-bug.ts')
    .map((path) => readFileSync(join(root, 'src', path), 'utf8'));
  t.true(sources.length > 100);
  t.false(sources.some((text) => /registerHooks|switch-on|planted-bug-on/.test(text)));
  for (const { name } of BUGS)
    t.true(
      sources.some((text) => text.includes(`isPlanted('${name}')`)),
      name,
    );
});
