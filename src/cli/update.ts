/**
 * `cloudroid update FILE.deb`: checks, installs, looks whether the member is well, and goes back if it is not.
 *
 * The work is done in a service of its own, so that a session by ssh that ends takes nothing with it; a power cut is undone
 * at the next start (update/finish-script.ts). The catalog of a version with another format is put aside before, and put back
 * with the older version: a restored catalog is noticed, takes a new incarnation and is reconciled with the files and the others.
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/settings-api.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import type { CommandInput } from './command.ts';
import { messageOf } from './doctor/finding.ts';
import {
  type DebianPackage,
  install,
  installedPackage,
  isNewer,
  ownArchitecture,
  readPackage,
} from './update/debian-package.ts';
import { armUndo, disarmUndo } from './update/finish-script.ts';
import { becomesWell, UNITS } from './update/health.ts';
import { machineSays } from './update/machine-says.ts';
import { objection } from './update/plan.ts';
import { repack } from './update/repack.ts';

const FOLDER = '/var/cache/cloudroid/update';
const LOG = '/var/log/cloudroid-update.log';
const SERVICE = 'cloudroid-update';
/** Set in the service that does the work. */
const INSIDE = 'CLOUDROID_UPDATE_INSIDE';
const WELL_NOW_MS = 10_000;
/** A slow board starts three processes, and a recovery reads the disk. */
const WELL_AGAIN_MS = 120_000;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
  // For whoever comes back after the session broke off.
  appendFileSync(LOG, `${new Date().toISOString()} ${text}\n`);
}

export async function update(input: CommandInput): Promise<ExitStatus> {
  const [given] = input.words;
  if (given === undefined)
    throw new CommandError(exitStatus.usage, 'Which package? cloudroid update FILE.deb');
  if (process.getuid?.() !== 0)
    throw new CommandError(
      exitStatus.noPermission,
      'cloudroid update installs a package: only root may (sudo).',
    );
  if (!existsSync(given)) throw new CommandError(exitStatus.usage, `There is no file ${given}.`);
  // A session that ended takes the terminal with it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const force = input.switches.has('force');
  if (process.env[INSIDE] === undefined && existsSync('/run/systemd/system'))
    return inService(realpathSync(given), force);
  return await carryOut(input.settings, given, force);
}

function inService(file: string, force: boolean): ExitStatus {
  const options = ['--quiet', '--collect', '--wait', '--pipe', '--service-type=exec', `--unit=${SERVICE}`];
  const variables = [
    `--setenv=${INSIDE}=1`,
    `--setenv=CLOUDROID_CONFIG=${process.env['CLOUDROID_CONFIG'] ?? ''}`,
  ];
  const words = [
    process.execPath,
    ...process.execArgv,
    process.argv[1] ?? '',
    'update',
    file,
    ...(force ? ['--force'] : []),
  ];
  const { status, error } = spawnSync('systemd-run', [...options, ...variables, '--', ...words], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error !== undefined) throw error;
  return status === 0 ? exitStatus.done : exitStatus.failed;
}

async function carryOut(settings: Settings, file: string, force: boolean): Promise<ExitStatus> {
  const offered = await readPackage(file).catch((error: unknown) => {
    throw new CommandError(exitStatus.usage, `${file} is no sound package: ${messageOf(error)}`);
  });
  const installed = await installedPackage();
  const { bavail, bsize } = statfsSync('/usr');
  const why = objection({
    offered,
    installed,
    architecture: await ownArchitecture(),
    isNewer: installed !== null && (await isNewer(offered.version, installed.version)),
    freeKib: (bavail * bsize) / 1024,
    force,
  });
  if (why !== null || installed === null) throw new CommandError(exitStatus.failed, why ?? 'not installed');
  const wellBefore = await wellness(settings, WELL_NOW_MS);
  if (wellBefore !== null && !force) {
    throw new CommandError(
      exitStatus.failed,
      `This member is not well now (${wellBefore}): cloudroid doctor tells more. --force updates all the same.`,
    );
  }
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  say(`Keeping version ${installed.version} to go back to ...`);
  await repack(join(FOLDER, 'previous.deb'), join(FOLDER, 'scratch'));
  copyFileSync(file, join(FOLDER, 'next.deb'));
  try {
    await exchange(settings, installed, offered, wellBefore === null);
  } finally {
    // Whatever went wrong: the files are served.
    await machineSays('systemctl', ['start', 'cloudroid.target'], 120_000).catch(() => undefined);
  }
  rmSync(FOLDER, { recursive: true, force: true });
  return exitStatus.done;
}

/** Rejects when it is back at the old version. `wasWell` false: it need not be better than before. */
async function exchange(
  settings: Settings,
  from: DebianPackage,
  to: DebianPackage,
  wasWell: boolean,
): Promise<void> {
  const otherFormat = from.catalog !== to.catalog;
  await machineSays('systemctl', ['stop', ...[...UNITS].reverse()], 120_000);
  if (otherFormat) copyCatalog(settings.stateDir, join(FOLDER, 'catalog'));
  await armUndo(FOLDER, settings.stateDir);
  say(`Installing version ${to.version} ...`);
  const wrong = await install(join(FOLDER, 'next.deb')).then(
    () => (wasWell ? wellness(settings, WELL_AGAIN_MS) : null),
    (error: unknown) => messageOf(error),
  );
  if (wrong === null) {
    await disarmUndo();
    say(`Version ${to.version} is installed${wasWell ? '; a file went in and came out through FTP' : ''}.`);
    return;
  }
  say(`Not well with version ${to.version}: ${wrong}`);
  say(`Going back to version ${from.version} ...`);
  await machineSays('systemctl', ['stop', ...[...UNITS].reverse()], 120_000).catch(() => undefined);
  if (otherFormat) {
    removeCatalog(settings.stateDir);
    cpSync(join(FOLDER, 'catalog'), settings.stateDir, { recursive: true, preserveTimestamps: true });
    await machineSays('chown', ['-R', 'cloudroid:cloudroid', settings.stateDir]);
  }
  // Until this has worked the next start of the board tries it again.
  await install(join(FOLDER, 'previous.deb'));
  await disarmUndo();
  const still = await wellness(settings, WELL_AGAIN_MS);
  const end = still === null ? 'which is well' : `and that is not well either: ${still} (cloudroid doctor)`;
  throw new CommandError(
    exitStatus.failed,
    `The update was taken back: version ${from.version} runs again, ${end}.`,
  );
}

/** Null: well. */
async function wellness(settings: Settings, withinMs: number): Promise<string | null> {
  return await becomesWell(settings, withinMs).then(() => null, messageOf);
}

const isCatalog = (name: string): boolean => name.startsWith('catalog.sqlite');

function copyCatalog(stateDir: string, target: string): void {
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(stateDir).filter(isCatalog))
    copyFileSync(join(stateDir, name), join(target, name));
}

function removeCatalog(stateDir: string): void {
  for (const name of readdirSync(stateDir).filter(isCatalog)) rmSync(join(stateDir, name));
}
