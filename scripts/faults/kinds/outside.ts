/** Somebody works on a member's files by ssh while clients are at work. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Member } from '../../../test/network/member.ts';
import type { Fault, Scene } from '../fault.ts';
import { now } from '../journal.ts';
import { hasOnDisk, holds, type KeptFile, keepFiles, scrub } from '../kept-files.ts';
import { provable } from '../provable.ts';

/** What is written right now is left alone until it rests: a minute. */
const SEEN_SECONDS = 90;
const LOOK_AGAIN_SECONDS = 10;

/** Content of the outsider; it may come through the network, it need not: nobody acknowledged it. */
function outside(scene: Scene, id: string, path: string): Buffer {
  scene.journal.changes.push({
    ...{ id, client: 'outside', via: 'c', verb: 'STOR', path, outcome: 'unknown', answer: 'by hand' },
    ...{ startedAt: now(), endedAt: now(), holders: 0, ofMembers: 0, here: false },
  });
  return provable(id, path, 20_000);
}

/** Sweeps now and then until every member has them; what the last sweep said, null when it cannot look at the volume. */
async function takenOver(
  scene: Scene,
  member: Member,
  files: readonly KeptFile[],
): Promise<readonly [everywhere: boolean, swept: string | null]> {
  const end = performance.now() + SEEN_SECONDS * 1000;
  for (;;) {
    const swept = await scrub(member);
    const patience = swept === null ? 1 : LOOK_AGAIN_SECONDS;
    const everywhere = await holds(scene, 'what was done by hand is everywhere', patience, () =>
      scene.network.members.every((each) => files.every((file) => hasOnDisk(each, file))),
    );
    if (everywhere || swept === null || performance.now() > end) return [everywhere, swept];
  }
}

export const outsideFaults: readonly Fault[] = [
  {
    name: 'edits-outside',
    what: 'files added, changed and removed in the volume by hand',
    async strike(scene) {
      const { network } = scene;
      const [a, c] = [network.member('a'), network.member('c')];
      const [changed, removed, ...rest] = await keepFiles(scene, a, 4);
      if (changed === undefined || removed === undefined) throw new Error('no files');
      const added = { path: '/kept/by-hand', bytes: outside(scene, 'outside.added', '/kept/by-hand') };
      const edited = { path: changed.path, bytes: outside(scene, 'outside.edited', changed.path) };
      const place = (path: string): string => join(c.filesDir, path);
      mkdirSync(join(c.folder, 'aside'), { recursive: true });
      const aside = (path: string): string => join(c.folder, 'aside', path.replaceAll('/', '_'));
      writeFileSync(place(added.path), added.bytes);
      renameSync(place(edited.path), aside(edited.path));
      writeFileSync(place(edited.path), edited.bytes);
      renameSync(place(removed.path), aside(removed.path));
      await scene.load();
      const [everywhere, swept] = await takenOver(scene, c, [added, edited]);
      const restored = await holds(scene, 'what was removed is back', 5, () => hasOnDisk(c, removed));
      for (const member of [a, network.member('b')]) {
        for (const file of [removed, ...rest])
          if (!hasOnDisk(member, file)) scene.violation(`${file.path} of ${member.name} is not what it was`);
      }
      if (everywhere && restored) return;
      if (swept !== null) {
        const what = [everywhere ? '' : 'not taken over', restored ? '' : 'not restored']
          .filter(Boolean)
          .join(', ');
        scene.violation(`by hand: ${what}: ${swept}`);
      } else scene.lacking('edits behind the back are not taken over yet, removed files not restored');
      if (!everywhere) {
        rmSync(place(added.path), { force: true });
        if (readFileSync(place(edited.path)).equals(edited.bytes))
          renameSync(aside(edited.path), place(edited.path));
      }
      if (!existsSync(place(removed.path))) renameSync(aside(removed.path), place(removed.path));
    },
  },
];
