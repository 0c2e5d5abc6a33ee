/** A member joins while clients are at work, and is retired again. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../fault.ts';
import { now } from '../journal.ts';
import { holds } from '../kept-files.ts';

export const membershipFaults: readonly Fault[] = [
  {
    name: 'member-added-retired',
    what: 'a new member joins under load and gets everything; then it is retired, and comes back all the same',
    members: 4,
    async strike(scene) {
      const { network, journal } = scene;
      const [a, d] = [network.member('a'), network.member('d')];
      await d.stop();
      journal.destroyed.set('d', now());
      rmSync(join(d.folder, 'data'), { recursive: true, force: true });
      await scene.load();
      await d.start();
      await holds(scene, 'the new member is in step', 60, async () => (await d.seesInStep(4)) === null);
      await scene.load();
      const { hello } = await d.status();
      const retired = await a.command(['peers', 'retire', hello.member, '--yes']);
      if (retired.status !== 0) {
        scene.lacking(`no retirement yet: ${retired.output.trim().split('\n').at(-1)}`);
        return;
      }
      await scene.load();
      const refused = await holds(
        scene,
        'the others refuse it',
        30,
        async () => (await a.seesInStep(3)) === null,
      );
      if (!refused) scene.violation('a retired member is still in step');
      scene.present.delete(d);
      await d.stop();
    },
  },
];
