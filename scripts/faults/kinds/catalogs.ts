/** The catalog lost, put back to an earlier hour, or full of garbage; the disk new; the card cloned; a member gone for good. */

import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, cpSync, existsSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { diskAgainstCatalog } from '../../../test/network/compare.ts';
import type { Member } from '../../../test/network/member.ts';
import type { Fault, Scene } from '../fault.ts';
import { now } from '../journal.ts';
import { holds, scrub } from '../kept-files.ts';
import { killMember } from './processes.ts';

const BACK_SECONDS = 45;
const PARTS = ['catalog.sqlite', 'catalog.sqlite-wal', 'catalog.sqlite-shm'] as const;

/** Starts it and waits until it takes writes, in step; else says what it lacks and leaves it out. */
async function startAgain(scene: Scene, member: Member, feature: string): Promise<void> {
  try {
    await member.start();
  } catch (error) {
    leaveOut(scene, member, `${feature}: it does not start: ${firstLine(error)}`);
    return;
  }
  let why = '';
  const back = await holds(scene, `${member.name} takes writes again`, BACK_SECONDS, async () => {
    try {
      const { hello } = await member.status();
      why = hello.readOnly ?? '';
      return hello.readOnly === null && (await member.seesInStep(scene.network.members.length)) === null;
    } catch (error) {
      why = firstLine(error);
      return false;
    }
  });
  if (back) return;
  await member.stop();
  leaveOut(scene, member, `${feature}: ${why === '' ? 'never in step again' : why}`);
}

function leaveOut(scene: Scene, member: Member, why: string): void {
  scene.lacking(why);
  scene.present.delete(member);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error))
    .split('\n')
    .slice(0, 2)
    .join(' ')
    .slice(0, 200);
}

/** From here on its disk no longer has what it alone had promised. */
function noteLoss(scene: Scene, member: Member): void {
  scene.journal.destroyed.set(member.name, now());
}

function removeCatalog(member: Member): void {
  for (const part of PARTS) rmSync(join(member.stateDir, part), { force: true });
}

export const catalogFaults: readonly Fault[] = [
  {
    name: 'catalog-lost',
    what: 'the catalog of a member removed, its files still there',
    async strike(scene) {
      const c = scene.network.member('c');
      await c.stop();
      noteLoss(scene, c);
      removeCatalog(c);
      await scene.load(scene.scale.seconds / 2);
      await startAgain(scene, c, 'a lost catalog is not rebuilt');
    },
  },
  {
    name: 'catalog-restored',
    what: 'the catalog of a member put back to an earlier moment, its files as they are now',
    async strike(scene) {
      const c = scene.network.member('c');
      await c.stop();
      for (const part of PARTS) {
        const from = join(c.stateDir, part);
        if (existsSync(from)) copyFileSync(from, join(c.folder, part));
      }
      await c.start();
      await scene.load(scene.scale.longSeconds);
      await c.stop();
      noteLoss(scene, c);
      removeCatalog(c);
      for (const part of PARTS) {
        const from = join(c.folder, part);
        if (existsSync(from)) copyFileSync(from, join(c.stateDir, part));
      }
      await startAgain(scene, c, 'a restored catalog is not recognized');
      await scene.calm();
      const sound = await holds(
        scene,
        "the files of c are its catalog's",
        BACK_SECONDS,
        async () => (await diskAgainstCatalog(c)) === null,
      );
      if (sound || (await scrub(c)) !== null) return;
      await c.stop();
      leaveOut(scene, c, 'files younger than a restored catalog are not taken over yet');
    },
  },
  {
    name: 'catalog-damaged',
    what: 'pages in the middle of the catalog overwritten with garbage',
    async strike(scene) {
      const c = scene.network.member('c');
      await c.stop();
      noteLoss(scene, c);
      const file = join(c.stateDir, 'catalog.sqlite');
      const pages = Math.floor(statSync(file).size / 4096);
      const open = openSync(file, 'r+');
      for (let count = 0; count < 6; count += 1)
        writeSync(open, randomBytes(4096), 0, 4096, 4096 * (1 + scene.random.below(pages - 1)));
      closeSync(open);
      await startAgain(scene, c, 'a damaged catalog is not rebuilt');
    },
  },
  {
    name: 'empty-disk',
    what: 'a member killed; it comes back with an empty disk',
    async strike(scene) {
      const c = scene.network.member('c');
      await killMember(c);
      noteLoss(scene, c);
      rmSync(join(c.folder, 'data'), { recursive: true, force: true });
      await scene.load(scene.scale.seconds / 2);
      await startAgain(scene, c, 'a new disk does not join');
    },
  },
  {
    name: 'dead-for-ever',
    what: 'a member killed under load, its disk destroyed; it never comes back',
    async strike(scene) {
      const member = scene.random.pick(scene.network.members);
      await killMember(member);
      noteLoss(scene, member);
      rmSync(join(member.folder, 'data'), { recursive: true, force: true });
      scene.present.delete(member);
      scene.note(`${member.name} died`);
      await scene.load();
    },
  },
  {
    name: 'cloned-member',
    what: 'the card of a member copied and both started; then the copy is taken out and comes back empty',
    members: 4,
    async strike(scene) {
      const [c, d] = [scene.network.member('c'), scene.network.member('d')];
      await Promise.all([c.stop(), d.stop()]);
      noteLoss(scene, d);
      const [from, to] = [join(c.folder, 'data'), join(d.folder, 'data')];
      rmSync(to, { recursive: true, force: true });
      cpSync(from, to, { recursive: true, preserveTimestamps: true });
      await Promise.all([c.start(), d.start()]);
      await scene.load(scene.scale.longSeconds);
      await d.stop();
      noteLoss(scene, d);
      rmSync(to, { recursive: true, force: true });
      await startAgain(scene, d, 'a new disk does not join after a clone');
    },
  },
];
