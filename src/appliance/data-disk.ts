/**
 * The data disk: which one, and that nothing goes to the card when it is absent.
 *
 *   none                        the files are on the card
 *   auto, no labelled disk yet  the files are on the card; a disk labelled CLOUDROID-DATA is taken at a later start
 *   auto, once a disk was taken, or a disk that is named
 *                               the drop-in says `mount`: without the disk the volume counts as missing
 *
 * The drop-in is written before the mount unit: a kill in between leaves a member whose volume is missing, never one that
 * fills the card. A card that holds files already is not covered by a disk unless `accept-disk` says so. Nothing is ever formatted.
 */
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Machine } from './machine.ts';
import { DISK_TYPES, deviceOf, MOUNT_UNIT, unitFilesFor } from './mount-unit.ts';
import { type Places, paths } from './places.ts';
import { flushFolder, removeFile, replaceFile } from './replace-file.ts';

export type AcceptDisk = (stateDir: string, what: 'empty' | 'files') => void;

/** Why the disk is not used, for cloudroid-errors.txt. */
export interface DiskRefused {
  readonly what: string;
  readonly expected: string;
}

const AUTO = 'LABEL=CLOUDROID-DATA';
const WAIT_MS = 20_000;
const LOOK_MS = 500;
/** Longer than the wait for its check: the job goes on when systemctl is ended. */
const START_MS = 25_000;
const unitFolder = '/etc/systemd/system';

function unitText(places: Places): string | null {
  return places.read(`${unitFolder}/${MOUNT_UNIT}`);
}

/** A volume was made on the card, with or without files. */
function cardVolume(places: Places): 'none' | 'empty' | 'files' {
  const folder = places.at(`${paths.data}/files`);
  if (!existsSync(folder)) return 'none';
  const names = readdirSync(folder);
  if (names.some((name) => name !== '.cloudroid' && name !== 'lost+found')) return 'files';
  return names.length === 0 ? 'none' : 'empty';
}

async function appears(places: Places, machine: Machine, device: string, patient: boolean): Promise<boolean> {
  for (let waited = 0; ; waited += LOOK_MS) {
    if (existsSync(places.at(device))) return true;
    if (!patient || waited >= WAIT_MS) return false;
    await machine.pause(LOOK_MS);
  }
}

/** The links of other disks, and of none. */
function dropLinks(places: Places, except: string | null): void {
  const folder = places.at(unitFolder);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.device.wants'))) {
    const link = `${unitFolder}/${name}/${MOUNT_UNIT}`;
    if (link !== except) rmSync(places.at(link), { force: true });
  }
}

async function forget(places: Places, machine: Machine): Promise<void> {
  if (unitText(places) === null && !places.has(paths.dropIn)) return;
  await machine.run('systemctl', ['stop', MOUNT_UNIT]);
  dropLinks(places, null);
  removeFile(places.at(`${unitFolder}/${MOUNT_UNIT}`));
  await machine.run('systemctl', ['daemon-reload']);
  removeFile(places.at(paths.dropIn));
}

/** True when something was written. */
function writeUnits(places: Places, disk: string): boolean {
  const wanted = unitFilesFor(disk);
  dropLinks(places, wanted.link);
  const link = places.at(wanted.link);
  const linked = existsSync(dirname(link)) && readdirSync(dirname(link)).includes(MOUNT_UNIT);
  if (linked && readlinkSync(link) === wanted.unit && unitText(places) === wanted.text) return false;
  replaceFile(places.at(wanted.unit), wanted.text, { mode: 0o644 });
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(wanted.unit, link);
  flushFolder(dirname(link));
  return true;
}

/** Null: it may become the data disk. */
async function unfit(places: Places, machine: Machine, disk: string): Promise<DiskRefused | null> {
  const device = deviceOf(disk);
  const { rdev } = statSync(places.at(device));
  if (rdev !== 0 && rdev === statSync(places.at('/')).dev) {
    return { what: `${disk} is the card that the board runs from`, expected: 'another disk' };
  }
  const { ok, output } = await machine.run('blkid', ['-p', '-o', 'value', '-s', 'TYPE', device]);
  if (ok && DISK_TYPES.includes(output)) return null;
  const what = output === '' ? 'is not formatted' : `has the format ${output}`;
  return {
    what: `The disk ${disk} ${ok ? what : 'cannot be read or is not formatted'}`,
    expected:
      'ext4 (or xfs, btrfs, f2fs); the board never formats a disk, docs/install.md tells how it is done',
  };
}

function mark(places: Places, acceptDisk: AcceptDisk, what: 'empty' | 'files'): void {
  mkdirSync(places.at(paths.state), { recursive: true, mode: 0o700 });
  acceptDisk(places.at(paths.state), what);
}

async function mount(places: Places, machine: Machine, disk: string): Promise<void> {
  if (!(await appears(places, machine, deviceOf(disk), true))) return;
  const { ok, output } = await machine.run('systemctl', ['start', MOUNT_UNIT], START_MS);
  if (!ok) throw new Error(`The disk ${disk} cannot be mounted: ${output}`);
  // A disk that was just formatted belongs to root.
  await machine.run('systemctl', ['start', 'cloudroid-data-disk.service'], START_MS);
}

/**
 * `wanted`: none, auto, or a disk. `accept`: what accept-disk said, when it is news. Resolves with why a disk that is there
 * is not used; an absent one is none.
 */
export async function takeDataDisk(
  places: Places,
  machine: Machine,
  wanted: string,
  accept: 'empty' | 'files' | null,
  acceptDisk: AcceptDisk,
): Promise<DiskRefused | null> {
  if (wanted === 'none') {
    await forget(places, machine);
    if (accept !== null) mark(places, acceptDisk, accept);
    return null;
  }
  const disk = wanted === 'auto' ? AUTO : wanted;
  const used = places.has(paths.dropIn);
  const known = used && unitText(places) === unitFilesFor(disk).text;
  if (!known) {
    const card = used ? 'none' : cardVolume(places);
    // Files are on the card, so nobody waits; on a new board the first minute decides where they will be.
    const present = await appears(places, machine, deviceOf(disk), card === 'none');
    if (!present && wanted === 'auto' && !used) {
      if (accept !== null) mark(places, acceptDisk, accept);
      return null;
    }
    if (present) {
      const refused = await unfit(places, machine, disk);
      if (refused !== null) return refused;
    }
    if (card === 'files' && accept === null) {
      return {
        what: `The disk ${disk} is not used: this board has files on its card, which the disk would hide`,
        expected:
          'accept-disk = empty when other boards have all files too (they are fetched from there), accept-disk = files when those ' +
          'on the disk are to be taken in, or data-disk = none',
      };
    }
    if (card === 'empty' && accept === null) mark(places, acceptDisk, 'empty');
    // Another one than so far: that may be mounted already.
    if (used) await machine.run('systemctl', ['stop', MOUNT_UNIT]);
    replaceFile(places.at(paths.dropIn), `${JSON.stringify({ mount: paths.data })}\n`, { mode: 0o644 });
  }
  if (accept !== null) mark(places, acceptDisk, accept);
  if (writeUnits(places, disk)) await machine.run('systemctl', ['daemon-reload']);
  await mount(places, machine, disk);
  return null;
}
