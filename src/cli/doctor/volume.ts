/** The disk with the files: the one that the catalog is about, on a file system that does what a commit relies on. */
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { readMemberId } from '../../config/identity.ts';
import type { Settings } from '../../config/settings-api.ts';
import type { StatusReply } from '../../peers/protocol-reports.ts';
import { isMountPoint } from '../../storage/disk/mount-point.ts';
import { identityFile, lookAtVolume } from '../../storage/disk/store-identity.ts';
import { probeVolume } from '../../storage/disk/volume-probe.ts';
import { escapeControls } from '../../system/log-line.ts';
import { type Finding, messageOf, ok, problem } from './finding.ts';

const IDENTITY = 'identity of the disk';
const SEMANTICS = 'file system of the disk';

/** `status` null: the storage server does not answer, and what it would say of itself is taken from its own files. */
export function checkVolume(settings: Settings, status: StatusReply | null): Finding[] {
  const { filesDir, mountDir } = settings;
  // Without the disk there is another one below its place; that it is absent has been said.
  if (mountDir !== null && !isMountPoint(mountDir)) return [];
  const internal = dirname(identityFile(filesDir));
  try {
    accessSync(internal, constants.W_OK);
  } catch {
    // Nothing was stored here yet, or it is not this user's: either has been said.
    return identity(settings, status);
  }
  return [...identity(settings, status), semantics(filesDir, internal)];
}

function identity({ filesDir, stateDir }: Settings, status: StatusReply | null): Finding[] {
  const { identity: found, unreadable } = lookAtVolume(filesDir);
  if (unreadable !== undefined)
    return [problem(IDENTITY, unreadable, 'Check the disk (dmesg, smartctl), and who it belongs to.')];
  const member = status?.hello.member ?? ownMember(stateDir);
  // A member that never ran, or a disk that is still to be taken up; the storage server says so itself.
  if (found === undefined || member === null) return [];
  const name = escapeControls(found.member);
  if (found.member === member && (status === null || found.store === status.hello.store))
    return [ok(IDENTITY, `this member's own (${name}, ${escapeControls(found.store)})`)];
  const text =
    found.member === member
      ? `an older or newer copy: ${escapeControls(found.store)}, and the catalog is about ${status?.hello.store ?? 'another'}`
      : `of the member ${name}, and this one is ${member}`;
  return [
    problem(
      IDENTITY,
      text,
      'Put the right disk in, or have this one taken in: docs/install.md, "When something dies"; cloudroid disk accept.',
    ),
  ];
}

function ownMember(stateDir: string): string | null {
  try {
    return readMemberId(stateDir);
  } catch {
    return null;
  }
}

function semantics(filesDir: string, internal: string): Finding {
  try {
    probeVolume(filesDir, internal);
    flushes(join(internal, `doctor-${randomBytes(8).toString('hex')}`));
    return ok(SEMANTICS, 'renames over files, makes new ones only, links, keeps names and what was flushed');
  } catch (error) {
    const cure =
      'ext4, xfs, btrfs and f2fs do; FAT, exFAT, NTFS and many network mounts do not: docs/install.md, "A disk for the files".';
    return problem(SEMANTICS, messageOf(error), cure);
  }
}

/** fsync(2) of a file and of its folder works, and the file is then read as it was written. Throws when not. */
function flushes(file: string): void {
  const bytes = randomBytes(4096);
  try {
    const handle = openSync(file, 'wx', 0o600);
    try {
      writeSync(handle, bytes);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    const folder = openSync(dirname(file), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
    if (!readFileSync(file).equals(bytes)) throw new Error(`${file} was read otherwise than it was written`);
  } finally {
    rmSync(file, { force: true });
  }
}
