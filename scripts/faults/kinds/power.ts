/** The plug is pulled: what the file system did not flush is gone. */

import type { Fault, Scene } from '../fault.ts';
import { hasOnPath } from '../machine.ts';
import { killMember } from './processes.ts';

const VOLUME_MEGABYTES = 256;

async function pullThePlug(scene: Scene, kind: 'nologflush' | 'logflush'): Promise<void> {
  const { network, volume } = scene;
  if (volume === null) throw new Error('no volume');
  const c = network.member('c');
  volume.cutPower(kind);
  await killMember(c);
  await volume.unmount();
  volume.mount();
  await c.start();
}

function powerCut(kind: 'nologflush' | 'logflush', what: string): Fault {
  return {
    name: kind === 'nologflush' ? 'power-cut' : 'power-cut-log-flushed',
    what,
    links: true,
    volumeMegabytes: VOLUME_MEGABYTES,
    missing: () => hasOnPath('mkfs.ext4', 'mount', 'python3'),
    async strike(scene) {
      // While it is alone, only its own disk can keep what its clients were told; then among the others.
      scene.links.isolate('c');
      await scene.load(scene.scale.seconds + scene.random.next());
      await pullThePlug(scene, kind);
      await scene.load(scene.scale.seconds / 2);
      scene.links.heal();
      await scene.load(scene.scale.seconds + scene.random.next());
      await pullThePlug(scene, kind);
    },
  };
}

export const powerFaults: readonly Fault[] = [
  powerCut(
    'nologflush',
    'ext4 shut down (flag 2): nothing that was not flushed survives; alone, then among the others',
  ),
  powerCut('logflush', 'ext4 shut down (flag 1): its journal is written, data that was not flushed is not'),
];
