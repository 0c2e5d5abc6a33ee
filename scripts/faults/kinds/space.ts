/** A disk that fills up under load, and one that cannot read some of its blocks. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../fault.ts';
import { hasOnDisk, holds, keepFiles, readKept, scrub } from '../kept-files.ts';
import { hasOnPath } from '../machine.ts';

const MEBIBYTE = Buffer.alloc(1024 * 1024, 1);

/** Fills what is left, past every reserve that the program keeps for itself. */
function fill(file: string): number {
  const out = openSync(file, 'w');
  let written = 0;
  try {
    for (;;) written += writeSync(out, MEBIBYTE);
  } catch {
    // ENOSPC: full.
  } finally {
    closeSync(out);
  }
  return written;
}

/** The first block of the file on its device. */
function firstBlock(path: string): number | null {
  const { stdout, status } = spawnSync('filefrag', ['-v', '-b4096', path], { encoding: 'utf8' });
  const extent = /^\s*0:\s+\d+\.\.\s*\d+:\s+(\d+)\.\./m.exec(stdout);
  return status === 0 && extent !== null ? Number(extent[1]) : null;
}

export const spaceFaults: readonly Fault[] = [
  {
    name: 'disk-full',
    what: 'the disk of a member is filled to the last byte, by somebody else, and emptied again',
    volumeMegabytes: 192,
    missing: () => hasOnPath('mkfs.ext4', 'mount'),
    async strike(scene) {
      const c = scene.network.member('c');
      const ballast = join(c.folder, 'data', 'ballast');
      for (let round = 0; round < 2; round += 1) {
        const written = fill(ballast);
        const { bavail, bsize } = statfsSync(c.filesDir);
        scene.note(`${written} bytes written by somebody else, ${bavail * bsize} left`);
        await scene.load(scene.scale.longSeconds);
        rmSync(ballast);
        await scene.load();
      }
    },
  },
  {
    name: 'unreadable-blocks',
    what: 'EIO: blocks of a file at the end of the device cannot be read any more (its image was cut short)',
    volumeMegabytes: 192,
    missing: () => hasOnPath('mkfs.ext4', 'mount', 'filefrag'),
    async strike(scene) {
      const { network, volume } = scene;
      if (volume === null) throw new Error('no volume');
      const [a, c] = [network.member('a'), network.member('c')];
      const files = await keepFiles(scene, a, 12);
      spawnSync('sync');
      const placed = files.map((file) => ({ file, block: firstBlock(join(c.filesDir, file.path)) ?? 0 }));
      const [last] = placed.toSorted((x, y) => y.block - x.block);
      if (last === undefined || last.block === 0) return scene.lacking('no file has a block of its own here');
      // No device mapper is needed: a loop device answers EIO beyond the end of its image.
      truncateSync(volume.image, last.block * 4096);
      spawnSync('sh', ['-c', 'echo 3 > /proc/sys/vm/drop_caches']);
      const probe = spawnSync('cat', [join(c.filesDir, last.file.path)], { encoding: 'utf8' });
      scene.note(`reading ${last.file.path} of c: ${probe.status === 0 ? 'no error' : probe.stderr.trim()}`);
      const whole = await readKept(scene, c, [last.file]);
      scene.note(`through the member: ${whole === 1 ? 'whole' : 'not served'}`);
      await scene.load();
      const scrubbed = await scrub(c);
      const seconds = scrubbed === null ? 1 : 20;
      const repaired = await holds(scene, 'the file is whole again', seconds, () =>
        readable(() => hasOnDisk(c, last.file)),
      );
      if (repaired) return;
      if (scrubbed === null) scene.lacking('no scrub yet: an unreadable file is not repaired');
      else scene.violation(`not repaired after a scrub: ${scrubbed}`);
      // This disk is done for.
      await c.stop();
      scene.present.delete(c);
    },
  },
];

function readable(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}
