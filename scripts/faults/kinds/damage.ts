/** Files of one member's volume damaged without a word: rot, cuts, losses, blocks that cannot be read. */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Member } from '../../../test/network/member.ts';
import type { Fault, Scene } from '../fault.ts';
import { hasOnDisk, holds, type KeptFile, keepFiles, readKept, scrub } from '../kept-files.ts';

const FILES = 6;
const REPAIR_SECONDS = 25;

/** Damages the file at `place` and gives back how to undo it, the inode the same. */
type Damage = (scene: Scene, place: string) => () => void;

/** With nanoseconds, which Node.js cannot set. */
function copyTimes(from: string, to: string): void {
  const { status, stderr } = spawnSync('touch', ['-r', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** Changes the file in place and leaves its times as they were. */
function quietly(place: string, change: () => void): void {
  const times = join(place, '..', '..', '..', `times-${statSync(place).ino}`);
  closeSync(openSync(times, 'w'));
  copyTimes(place, times);
  change();
  copyTimes(times, place);
  rmSync(times);
}

function overwrite(place: string, bytes: Buffer): void {
  quietly(place, () => {
    const file = openSync(place, 'r+');
    try {
      writeSync(file, bytes, 0, bytes.length, 0);
    } finally {
      closeSync(file);
    }
  });
}

const flipBit: Damage = (scene, place) => {
  const sound = readFileSync(place);
  const bytes = Buffer.from(sound);
  const at = scene.random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << scene.random.below(8));
  overwrite(place, bytes);
  return () => overwrite(place, sound);
};

const cutShort: Damage = (scene, place) => {
  const sound = readFileSync(place);
  quietly(place, () => truncateSync(place, scene.random.below(sound.length)));
  return () => overwrite(place, sound);
};

const takeAway: Damage = (_scene, place) => {
  // Beside the volume's shared part: the same file system, and no member looks there.
  const aside = join(place, '..', '..', '..', `aside-${statSync(place).ino}`);
  renameSync(place, aside);
  return () => renameSync(aside, place);
};

async function damageAndRepair(scene: Scene, damage: Damage): Promise<void> {
  const { network } = scene;
  const [a, c] = [network.member('a'), network.member('c')];
  const files = await keepFiles(scene, a, FILES);
  const undo = new Map<KeptFile, () => void>();
  for (const file of files.slice(0, FILES / 2)) undo.set(file, damage(scene, join(c.filesDir, file.path)));
  const damaged = [...undo.keys()];
  const whole = await readKept(scene, c, damaged);
  scene.note(`${whole} of ${damaged.length} damaged files were read whole through the damaged member`);
  await scene.load();
  const scrubbed = await scrub(c);
  const patience = scrubbed === null ? 1 : REPAIR_SECONDS;
  const repaired = await holds(scene, 'the damaged files are whole again', patience, () =>
    damaged.every((file) => hasOnDisk(c, file)),
  );
  for (const other of network.members.filter((member) => member !== c)) {
    for (const file of files)
      if (!hasOnDisk(other, file)) scene.violation(`${file.path} of ${other.name} is not what it was`);
  }
  if (repaired) return;
  if (scrubbed === null) scene.lacking('no scrub yet: damage is not repaired');
  else scene.violation(`not repaired in ${REPAIR_SECONDS} s after a scrub: ${scrubbed}`);
  for (const [file, mend] of undo) if (!hasOnDisk(c, file)) mendQuietly(scene, c, file, mend);
}

function mendQuietly(scene: Scene, member: Member, { path }: KeptFile, mend: () => void): void {
  try {
    mend();
  } catch (error) {
    scene.say(`${path} of ${member.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function fault(name: string, what: string, damage: Damage): Fault {
  return { name, what, strike: (scene) => damageAndRepair(scene, damage) };
}

export const damageFaults: readonly Fault[] = [
  fault('bit-flip', 'one bit of a file in the volume flipped, its times as before', flipBit),
  fault('file-truncated', 'a file in the volume cut short, its times as before', cutShort),
  fault('file-missing', 'a file taken out of the volume', takeAway),
];
