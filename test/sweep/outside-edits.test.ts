import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { RoundOptions } from '../../src/sweep/round.ts';
import type { VolumeCare } from '../../src/sweep/volume-care.ts';
import { type LabMember, until, withMembers } from '../peers/with-members.ts';

function care(member: LabMember, more: Partial<VolumeCare> = {}): Partial<RoundOptions> {
  return {
    volume: { filesDir: member.filesDir, outsideDeletions: 'restore', restMs: 0, ...more },
    walk: true,
  };
}

test.serial('files and folders that are put or edited by other means reach every member', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await a.put('/docs/edited', 'by ftp');
    await a.put('/docs/replaced', 'by ftp');
    await b.sweep();
    const at = (path: string) => join(b.filesDir, path);
    const scan = randomBytes(100_000);
    mkdirSync(at('scans/2026'), { recursive: true });
    mkdirSync(at('empty'));
    writeFileSync(at('scans/2026/page 1'), scan);
    appendFileSync(at('docs/edited'), ' and by ssh');
    writeFileSync(at('docs/replaced.new'), 'an editor that renames');
    renameSync(at('docs/replaced.new'), at('docs/replaced'));
    const report = await b.sweep(undefined, care(b));
    t.deepEqual([report?.failures, report?.notices], [[], []]);
    t.is(report?.adopted, 6);
    t.is((await a.sweep())?.conflicts, 0);
    t.true((await a.read('/scans/2026/page 1'))?.equals(scan));
    t.is(String(await a.read('/docs/edited')), 'by ftp and by ssh');
    t.is(String(await a.read('/docs/replaced')), 'an editor that renames');
    t.is((await a.replicas.lookup('/empty'))?.kind, 'directory');
    t.is(readFileSync(at('docs/edited'), 'utf8'), 'by ftp and by ssh');
    t.is((await a.client.hello()).tree, (await b.client.hello()).tree);
    t.is((await b.sweep(undefined, care(b)))?.adopted, 0);
  });
});

test.serial('a file that is being written is left until it rests', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    writeFileSync(join(a.filesDir, 'growing'), 'half');
    t.is((await a.sweep(undefined, care(a, { restMs: 3_600_000 })))?.adopted, 0);
    t.is(await a.replicas.lookup('/growing'), null);
    t.is((await a.client.upkeep.state()).walkedAt, null, 'it is looked for again in the next round');
    appendFileSync(join(a.filesDir, 'growing'), ' and whole');
    t.is((await a.sweep(undefined, care(a)))?.adopted, 1);
    t.is(String(await a.read('/growing')), 'half and whole');
  });
});

test.serial('an edit from outside and one by FTP at once are both kept', async (t) => {
  await withMembers(t, { members: 2, wires: true }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await a.put('/f', 'base');
    await b.sweep();
    for (const { wire } of lab.members) wire?.set('refused');
    await until(() => a.stateOf('b') === 'away');
    await a.put('/f', 'by ftp on a');
    writeFileSync(join(b.filesDir, 'f'), 'by ssh on b');
    t.is((await b.sweep([], care(b)))?.adopted, 1);
    for (const { wire } of lab.members) wire?.set('open');
    await until(async () => (await a.sweep())?.failures.length === 0);
    await until(async () => (await b.sweep())?.failures.length === 0);
    await a.sweep();
    const contents = new Set<string>();
    for (const { path, kind } of await a.records())
      if (kind === 'file') contents.add(String(await a.read(path)));
    t.deepEqual([...contents].sort(), ['by ftp on a', 'by ssh on b']);
    t.is((await a.client.hello()).tree, (await b.client.hello()).tree);
  });
});

test.serial('links, odd names and our own folder are left alone and told', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    symlinkSync('/etc/passwd', join(a.filesDir, 'link'));
    writeFileSync(Buffer.concat([Buffer.from(`${a.filesDir}/`), Buffer.from([0xff, 0xfe])]), 'x');
    writeFileSync(join(a.filesDir, '.cloudroid/staging/stranger-file'), 'x');
    writeFileSync(join(a.filesDir, 'good'), 'x');
    const report = await a.sweep(undefined, care(a));
    t.is(report?.adopted, 1);
    t.regex(String(report?.notices), /link: neither a file nor a folder/);
    t.regex(String(report?.notices), /not UTF-8/);
    t.deepEqual(
      (await a.records()).map(({ path }) => path),
      ['/good'],
    );
  });
});

test.serial(
  'what vanishes from outside comes back, or is a deletion where the operator chose so',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      for (let n = 0; n < 60; n += 1) await a.put(`/f${n}`, `${n}`);
      await b.sweep();
      rmSync(join(b.filesDir, 'f1'));
      t.is((await b.sweep(undefined, care(b)))?.repaired, 1);
      t.is(readFileSync(join(b.filesDir, 'f1'), 'utf8'), '1');
      rmSync(join(b.filesDir, 'f2'));
      t.is((await b.sweep(undefined, care(b, { outsideDeletions: 'propagate' })))?.adopted, 1);
      await a.sweep();
      t.is(await a.replicas.lookup('/f2'), null);
      for (let n = 10; n < 40; n += 1) rmSync(join(b.filesDir, `f${n}`));
      const report = await b.sweep(undefined, care(b, { outsideDeletions: 'propagate' }));
      t.regex(String(report?.notices), /30 files have vanished/);
      t.deepEqual([report?.adopted, report?.repaired], [0, 30]);
      t.true(existsSync(join(b.filesDir, 'f39')));
    });
  },
);

test.serial('an old backup put over the volume does not undo what is newer', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    for (let n = 0; n < 40; n += 1) await a.put(`/f${n}`, `new ${n}`);
    await b.sweep();
    const before = await a.records();
    for (let n = 0; n < 30; n += 1) {
      const path = join(b.filesDir, `f${n}`);
      rmSync(path);
      writeFileSync(path, `old ${n}`);
      utimesSync(path, 1_600_000_000, 1_600_000_000);
    }
    const report = await b.sweep(undefined, care(b));
    t.regex(String(report?.notices), /30 files were put back that are older/);
    t.deepEqual([report?.adopted, report?.repaired], [0, 30]);
    await a.sweep();
    t.deepEqual(await a.records(), before);
    t.is(readFileSync(join(b.filesDir, 'f7'), 'utf8'), 'new 7');
    // One alone was copied with its date.
    rmSync(join(b.filesDir, 'f1'));
    writeFileSync(join(b.filesDir, 'f1'), 'copied with cp -p');
    utimesSync(join(b.filesDir, 'f1'), 1_600_000_000, 1_600_000_000);
    t.is((await b.sweep(undefined, care(b)))?.adopted, 1);
  });
});
