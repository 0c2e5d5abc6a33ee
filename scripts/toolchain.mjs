/**
 * Makes a checkout ready to run: installs the packages of package-lock.json, finds the pinned Node.js, compiles.
 * Plain JavaScript without dependencies: it runs before anything is installed, under any Node.js >= 20.
 *
 *   node scripts/toolchain.mjs build    install and compile, each only when needed
 *   node scripts/toolchain.mjs check    types and lint
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { withSetupLock } from './setup-lock.mjs';

const own = fileURLToPath(import.meta.url);
export const root = join(own, '..', '..');
const modules = join(root, 'node_modules');
const runtime = join(modules, `node-linux-${process.arch}`, 'bin', 'node');
const installStamp = join(modules, '.cloudroid-installed');
const buildStamp = join(root, 'dist', '.cloudroid-built');

/** A failure the reader can do something about; printed without a stack. */
export class SetupError extends Error {
  name = 'SetupError';
}

function digest(/** @type {string[]} */ files) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\n`);
  for (const file of files) {
    const bytes = readFileSync(join(root, file));
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

function sourceFiles(folder = 'src') {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();
}

function stampIs(/** @type {string} */ file, /** @type {string} */ wanted) {
  return existsSync(file) && readFileSync(file, 'utf8') === wanted;
}

function npmMajor() {
  const agent = /^npm\/(\d+)/.exec(process.env.npm_config_user_agent ?? '')?.[1];
  if (agent !== undefined) return Number(agent);
  const asked = spawnSync('npm', ['--version'], { encoding: 'utf8' });
  if (asked.error) throw new SetupError('npm was not found. Install it: apt install npm');
  return Number.parseInt(asked.stdout, 10);
}

/** npm 10 and older leave out optional packages of a lock file that names no download addresses; npm 11 reads it right. */
function installPackages() {
  console.error('Installing packages (once; about a minute on a board) ...');
  const options = [
    'ci',
    '--loglevel=error',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--ignore-scripts',
  ];
  const kinds = ['--include=optional', '--include=dev', '--engine-strict=false'];
  const [command, ...first] = npmMajor() >= 11 ? ['npm'] : ['npx', '--yes', '--loglevel=error', 'npm@11'];
  const result = spawnSync(command, [...first, ...options, ...kinds], { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.signal) process.kill(process.pid, result.signal);
  if (result.error || result.status !== 0) {
    throw new SetupError(
      'The packages could not be installed (see above). Is the npm registry reachable from here?',
    );
  }
}

function requireRuntime() {
  if (!existsSync(runtime)) {
    throw new SetupError(
      process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
        ? `The pinned Node.js is missing: ${runtime}. Remove node_modules and start again.`
        : `Cloudroid runs on 64-bit Linux (x64 or arm64); this is ${process.platform} on ${process.arch}.`,
    );
  }
  const probe = spawnSync(runtime, ['--version'], { encoding: 'utf8' });
  if (probe.status === 127)
    throw new SetupError('The pinned Node.js needs libatomic1: apt install libatomic1');
  if (probe.status !== 0)
    throw new SetupError(`The pinned Node.js does not run: ${probe.error ?? probe.stderr}`);
}

/** Installs unless node_modules already is what package-lock.json says. */
function install() {
  const wanted = digest(['package-lock.json']);
  if (stampIs(installStamp, wanted)) return;
  // "npm ci" empties node_modules first, and through a link the packages of whoever it points to.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new SetupError(
      `${modules} is a link to packages that do not fit package-lock.json: remove the link.`,
    );
  }
  installPackages();
  requireRuntime();
  writeFileSync(installStamp, wanted);
}

/** Compiles src/ into dist/ unless dist/ was made from just these sources; a half-made dist/ is never left in place. */
function compile() {
  const wanted = digest(['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', ...sourceFiles()]);
  if (stampIs(buildStamp, wanted)) return;
  console.error('Compiling ...');
  const fresh = join(root, 'dist.new');
  const old = join(root, 'dist.old');
  for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  const compiler = [
    join(modules, 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.build.json',
    '--outDir',
    fresh,
  ];
  const result = spawnSync(runtime, compiler, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) throw new SetupError('Compiling failed (see above).');
  writeFileSync(join(fresh, '.cloudroid-built'), wanted);
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
  renameSync(fresh, join(root, 'dist'));
  rmSync(old, { recursive: true, force: true });
}

/** Stamps say that everything is there: no lock is taken, so that a second start is quick, also in a read-only checkout. */
function isInstalled() {
  return stampIs(installStamp, digest(['package-lock.json']));
}

function isCompiled() {
  const inputs = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', ...sourceFiles()];
  return stampIs(buildStamp, digest(inputs));
}

const setupLock = join(root, '.cloudroid-setup');

/** Installs when needed; two at once wait for each other. Returns the path of the pinned Node.js. */
export async function prepareRuntime() {
  if (!isInstalled()) await withSetupLock(setupLock, install);
  return runtime;
}

/** Installs and compiles when needed. Returns the path of the pinned Node.js. */
export async function prepare() {
  await prepareRuntime();
  if (!isCompiled()) await withSetupLock(setupLock, compile);
  return runtime;
}

/** Runs a program of the pinned Node.js; resolves with its exit status, 128 + n after a signal. Signals are passed on. */
export function run(
  /** @type {string[]} */ args,
  /** @type {import('node:child_process').SpawnOptions} */ options = {},
) {
  const env = { ...process.env, PATH: `${join(runtime, '..')}:${process.env.PATH}` };
  const child = spawn(runtime, args, { stdio: 'inherit', cwd: process.cwd(), env, ...options });
  const passOn = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, passOn);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.off(name, passOn);
      if (status === 127) console.error('The pinned Node.js needs libatomic1: apt install libatomic1');
      resolve(signal === null ? status : 128 + constants.signals[signal]);
    });
  });
}

/**
 * Runs `cloudroid <args>`. The channel to it ends with this process, however this process ends, and then the member
 * stops too: no member is left behind by a closed terminal.
 */
export async function runCloudroid(/** @type {string[]} */ args) {
  await prepare();
  const stdio = /** @type {const} */ (['inherit', 'inherit', 'inherit', 'ipc']);
  return run(['--no-warnings=ExperimentalWarning', join(root, 'dist', 'main.js'), ...args], {
    stdio: [...stdio],
  });
}

export const checks = /** @type {const} */ (['build', 'types', 'lint']);

/** Compiles, checks types (of the tests too), lints; resolves with what failed. */
export async function check() {
  await prepareRuntime();
  /** @type {string[]} */
  const failed = [];
  await prepare().catch((error) => {
    if (!(error instanceof SetupError)) throw error;
    failed.push('build');
  });
  const types = [join(modules, 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.json'];
  if ((await run(types, { cwd: root })) !== 0) failed.push('types');
  const lint = [join(modules, '@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings'];
  if ((await run(lint, { cwd: root })) !== 0) failed.push('lint');
  return failed;
}

/** Ends the process with the status of `main`; what a person can mend is one line. */
export function exitWith(/** @type {Promise<unknown>} */ main) {
  main.then(
    (status) => process.exit(Number(status)),
    (error) => {
      console.error(error instanceof SetupError ? `cloudroid: ${error.message}` : error);
      process.exit(1);
    },
  );
}

// Node.js gives its own path with symbolic links followed, the argument as it was typed.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === own) {
  const [task] = process.argv.slice(2);
  if (task === 'build') exitWith(prepare().then(() => 0));
  else if (task === 'check') exitWith(check().then((failed) => failed.length));
  else exitWith(Promise.reject(new SetupError('usage: node scripts/toolchain.mjs build|check')));
}
