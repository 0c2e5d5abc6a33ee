import test from 'ava';
import { RealNetwork } from './real/network.ts';

/** Others: CLOUDROID_SEEDS=1000-2000. */
const [from = 1, to = 12] = (process.env['CLOUDROID_SEEDS'] ?? '1-12').split('-').map(Number);

test.serial(
  'real stores and real sweeps lose nothing, bring nothing back and end identical, whatever the wires do',
  async (t) => {
    t.timeout(600_000);
    for (let seed = from; seed <= to; seed += 1) {
      const network = new RealNetwork(seed);
      await network.run();
      if (network.broken.length > 0)
        t.fail(`seed ${seed}: ${network.broken.join('; ')}\n${network.story.join('\n')}`);
    }
    t.pass();
  },
);
