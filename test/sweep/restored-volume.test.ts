/** A volume that was put back from an old backup, beside a catalog that is newer. */
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { withMembers } from '../peers/with-members.ts';

test.serial(
  'an old copy of the volume neither undoes newer versions nor brings deleted files back',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      for (const [path, text] of [
        ['/same', 'same'],
        ['/changed', 'old'],
        ['/deleted', 'gone'],
      ] as const) {
        await a.put(path, text);
      }
      await b.sweep();
      await b.stopStorage();
      const backup = join(lab.folder, 'backup');
      cpSync(b.filesDir, backup, { recursive: true, preserveTimestamps: true });
      await b.startStorage();
      await a.put('/changed', 'new');
      await a.put('/added', 'new');
      await a.replicas.change({ op: 'delete', path: '/deleted' });
      await b.sweep();
      const before = await a.records();
      await b.stopStorage();
      rmSync(b.filesDir, { recursive: true });
      cpSync(backup, b.filesDir, { recursive: true, preserveTimestamps: true });
      await b.startStorage();
      t.is((await b.client.upkeep.state()).distrust, 'volume');
      t.regex(String((await b.client.status()).notices), /restored/);
      const volume = { filesDir: b.filesDir, outsideDeletions: 'restore' as const, restMs: 0 };
      const report = await b.sweep(undefined, { volume });
      t.deepEqual([report?.failures, report?.adopted], [[], 0]);
      t.is((await b.client.upkeep.state()).distrust, null, 'compared, so trusted again');
      for (const [path, text] of [
        ['same', 'same'],
        ['changed', 'new'],
        ['added', 'new'],
      ] as const) {
        t.is(readFileSync(join(b.filesDir, path), 'utf8'), text);
      }
      t.false(existsSync(join(b.filesDir, 'deleted')));
      await a.sweep();
      t.deepEqual(await a.records(), before);
      t.is((await a.client.hello()).tree, (await b.client.hello()).tree);
      // Now an edit is an edit again.
      t.is((await b.sweep(undefined, { volume, walk: true }))?.differences, 0);
    });
  },
);
