/** The power cut of the faults must really lose what was not flushed: else it proves nothing. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { LoopVolume } from '../../scripts/faults/loop-volume.ts';
import { hasOnPath } from '../../scripts/faults/machine.ts';

function flush(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

test.serial('a power cut loses what was not flushed, and nothing else', async (t) => {
  const missing = hasOnPath('mkfs.ext4', 'mount', 'python3');
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-power-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const volume = missing ?? LoopVolume.make(join(folder, 'image'), join(folder, 'mounted'), 64);
  if (typeof volume === 'string') {
    t.log(`skipped: ${volume}`);
    t.pass();
    return;
  }
  t.teardown(() => volume.unmount());
  const [kept, lost] = [join(volume.folder, 'kept'), join(volume.folder, 'lost')];
  writeFileSync(kept, 'flushed');
  flush(kept);
  flush(volume.folder);
  writeFileSync(lost, 'not flushed');
  volume.cutPower();
  t.throws(() => writeFileSync(join(volume.folder, 'more'), 'x'), { code: 'EIO' });
  await volume.unmount();
  volume.mount();
  t.is(readFileSync(kept, 'utf8'), 'flushed');
  t.false(existsSync(lost));
});
