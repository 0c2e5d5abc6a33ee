/** Many uploads at once towards the end of a disk. */
import { randomBytes } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setInterval } from 'node:timers';
import test from 'ava';
import { diskAgainstCatalog } from '../network/compare.ts';
import { withNetwork } from '../network/with-network.ts';
import { smallVolume } from './small-volume.ts';

const MEGABYTE = 1024 * 1024;
/** What the storage server keeps free (src/storage/disk/disk-space.ts). */
const RESERVE_MEGABYTES = 64;

test.serial(
  'twelve uploads at once get 452 before the disk is full, and what is stored can be deleted',
  async (t) => {
    const volume = smallVolume(t, RESERVE_MEGABYTES + 60);
    if (volume === null) return;
    await withNetwork(t, { members: 1, folderOf: () => join(volume.folder, 'a') }, async (network) => {
      const a = network.member('a');
      let leastFree = Number.POSITIVE_INFINITY;
      const watch = setInterval(() => {
        const { bavail, bsize } = statfsSync(volume.folder);
        leastFree = Math.min(leastFree, bavail * bsize);
      }, 2);
      t.teardown(() => clearInterval(watch));
      const bytes = randomBytes(20 * MEGABYTE);
      const codes = await Promise.all(
        Array.from({ length: 12 }, async (_, n) => {
          const client = await a.login();
          const { code } = await client.upload(`STOR /file-${n}`, bytes);
          client.destroy();
          return code;
        }),
      );
      clearInterval(watch);
      t.true(codes.includes(452), `${codes}`);
      t.deepEqual(
        codes.filter((code) => code !== 226 && code !== 452),
        [],
      );
      t.true(leastFree > 32 * MEGABYTE, `only ${leastFree} bytes were left`);
      const client = await a.login();
      t.is(
        (await client.upload('STOR /small', 'x')).code,
        226,
        'the refused ones have given their room back',
      );
      t.is((await client.command('DELE /small')).code, 250);
      client.destroy();
      t.is(await diskAgainstCatalog(a), null);
    });
  },
);
