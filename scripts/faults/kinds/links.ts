/** Cables that are out: all, one, one direction, now and then. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault, Scene } from '../fault.ts';

/** A cut that nobody felt proves nothing: somebody must have been told of a member that was away. */
async function feltIt({ journal, violation }: Scene): Promise<void> {
  const felt = journal.acknowledged().some(({ answer }) => /away|ONLY|behind|slow/.test(answer));
  if (!felt) violation('no answer tells of a member that was away: the cut was not felt');
}

/** Cut, load, mend. */
async function whileCut(scene: Scene, cut: () => void): Promise<void> {
  cut();
  await scene.load(scene.scale.longSeconds);
  scene.links.heal();
}

export const linkFaults: readonly Fault[] = [
  {
    name: 'partition',
    what: 'no member reaches any other',
    links: true,
    inspect: feltIt,
    strike: (scene) =>
      whileCut(scene, () => {
        for (const { name } of scene.network.members) scene.links.isolate(name);
      }),
  },
  {
    name: 'isolated-member',
    what: 'one member is cut off, the others and its clients go on',
    links: true,
    inspect: feltIt,
    strike: (scene) => whileCut(scene, () => scene.links.isolate(scene.random.pick(['a', 'b', 'c']))),
  },
  {
    name: 'one-link',
    what: 'two members lose their link; both still reach the third',
    links: true,
    inspect: feltIt,
    strike: (scene) => whileCut(scene, () => scene.links.separate('a', 'b')),
  },
  {
    name: 'one-way',
    what: 'packets of one member to the others vanish; theirs arrive',
    links: true,
    inspect: feltIt,
    strike: (scene) =>
      whileCut(scene, () => {
        scene.links.cut('a', 'b');
        scene.links.cut('a', 'c');
      }),
  },
  {
    name: 'flapping-link',
    what: 'links go up and down for fractions of a second',
    links: true,
    async strike(scene) {
      const end = performance.now() + scene.scale.longSeconds * 1000;
      while (performance.now() < end) {
        const [one = 'a', other = 'b'] = scene.random.shuffle(['a', 'b', 'c']);
        scene.links.separate(one, other);
        await pause(50 + scene.random.below(600));
        scene.links.heal();
        await pause(50 + scene.random.below(600));
      }
    },
  },
];
