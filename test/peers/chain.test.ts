/** Big uploads through a chain of members: real stores and storage servers, each behind a wire that the test breaks. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import type { Upload } from '../../src/peers/replica-set-api.ts';
import { credentialsFor } from '../../src/peers/trust.ts';
import { smallVolume } from '../faults/small-volume.ts';
import { type Lab, type LabMember, until, withMembers } from './with-members.ts';

const PIECE = 65_536;

async function send(upload: Upload, bytes: Buffer, from: number, to: number, pauseMs = 0): Promise<void> {
  for (let at = from; at < to; at += PIECE) {
    await upload.write(bytes.subarray(at, Math.min(to, at + PIECE)));
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

/** Members introduced to each other; `a` takes the upload. */
async function chained(
  t: ExecutionContext,
  members: number,
  run: (lab: Lab) => Promise<void>,
): Promise<void> {
  await withMembers(t, { members, wires: true }, async (lab) => {
    await lab.introduce();
    await run(lab);
  });
}

function holds(member: LabMember, bytes: Buffer): boolean {
  const path = join(member.filesDir, 'file');
  return existsSync(path) && readFileSync(path).equals(bytes);
}

/** Nothing of an upload is left in anybody's staging. */
async function untilClean(lab: Lab): Promise<void> {
  for (const { filesDir } of lab.members) {
    await until(async () => (await readdir(join(filesDir, '.cloudroid/staging'))).length === 0, 20_000);
  }
}

/** The members behind `a` in the order in which they pass the last upload on. */
async function order(lab: Lab, length: number): Promise<LabMember[]> {
  const found: LabMember[] = [];
  for (let from = lab.member('a'); found.length < length; ) {
    const here = from;
    await until(() => nextOf(here) !== undefined);
    from = lab.member(nextOf(here)?.charAt(0) ?? '');
    found.push(from);
  }
  return found;
}

function nextOf({ logged }: LabMember): string | undefined {
  const line = logged.findLast((each) => each.includes('an upload is passed on'));
  return line === undefined ? undefined : /"member":"([^"]+)"/.exec(line)?.[1];
}

function passed(lab: Lab): number[] {
  return lab.members.slice(1).map(({ wire }) => wire?.passed ?? 0);
}

test.serial(
  'a big upload leaves the member that takes it once, and all hold it when it is confirmed',
  async (t) => {
    await chained(t, 5, async (lab) => {
      const a = lab.member('a');
      const bytes = randomBytes(20_000_000);
      const before = passed(lab);
      const outcome = await a.put('/file', bytes);
      t.is(outcome.sentence, 'Stored on 5 of 5 members.');
      for (const member of lab.members) t.true(holds(member, bytes), member.name);
      const moved = passed(lab).map((now, index) => now - (before[index] ?? 0));
      for (const each of moved) t.true(each > bytes.length && each < bytes.length * 1.1, `${moved}`);
      const chain = await order(lab, 4);
      t.is(new Set(chain).size, 4);
      const passes = lab.members.map(
        ({ logged }) => logged.filter((line) => line.includes('is passed on')).length,
      );
      t.deepEqual(passes.sort(), [0, 1, 1, 1, 1]);
      await untilClean(lab);
    });
  },
);

for (const how of ['refused', 'cut', 'slow'] as const) {
  for (const place of ['first', 'middle', 'last'] as const) {
    test.serial(
      `the ${place} member of a chain is ${how}: the others hold the file when it is confirmed`,
      async (t) => {
        await chained(t, 5, async (lab) => {
          const a = lab.member('a');
          const bytes = randomBytes(40_000_000);
          const upload = await a.replicas.startUpload('/file');
          await send(upload, bytes, 0, 4_000_000);
          const chain = await order(lab, 4);
          const broken = chain[{ first: 0, middle: 1, last: 3 }[place]];
          if (how === 'slow') broken?.wire?.limit(100_000);
          else broken?.wire?.set(how);
          await send(upload, bytes, 4_000_000, bytes.length, 2);
          const outcome = await upload.finish();
          t.regex(
            outcome.sentence,
            new RegExp(`^Stored on 4 of 5 members \\(${broken?.name} .* will catch up\\)\\.$`),
          );
          for (const member of lab.members) t.is(holds(member, bytes), member !== broken, member.name);
          broken?.wire?.limit(Number.POSITIVE_INFINITY);
          // It would reset what is on its way to the slow one: the word that it should drop what it has.
          if (how !== 'slow') broken?.wire?.set('open');
          await until(async () => (await broken?.sweep())?.failures.length === 0);
          if (broken !== undefined) t.true(holds(broken, bytes));
          await lab.inStep();
          // What lies with one that could not be told stays for a day.
          if (how === 'slow') await untilClean(lab);
        });
      },
    );
  }
}

test.serial('a client that breaks off leaves nothing in any staging, wherever the chain is', async (t) => {
  await chained(t, 4, async (lab) => {
    const a = lab.member('a');
    for (const length of [300_000, 700_000, 9_000_000]) {
      const upload = await a.replicas.startUpload('/file');
      await send(upload, randomBytes(length), 0, length);
      await upload.abort('the client is gone');
      await sleep(length % 1000);
      await untilClean(lab);
    }
    await sleep(500);
    await untilClean(lab);
    t.is((await a.put('/file', randomBytes(3_000_000))).sentence, 'Stored on 4 of 4 members.');
  });
});

test.serial(
  'bytes that a middle member passes on wrong count nowhere, and are pulled from another',
  async (t) => {
    await chained(t, 4, async (lab) => {
      const a = lab.member('a');
      const bytes = randomBytes(24_000_000);
      const upload = await a.replicas.startUpload('/file');
      await send(upload, bytes, 0, 2_000_000);
      const [, middle, last] = await order(lab, 3);
      if (middle === undefined || last === undefined) throw new Error('no chain');
      last.wire?.limit(6_000_000);
      await send(upload, bytes, 2_000_000, 22_000_000);
      // The last one lags: it gets these bytes from the middle one's disk.
      const folder = join(middle.filesDir, '.cloudroid/staging');
      const [name = ''] = await readdir(folder);
      await until(async () => (await stat(join(folder, name))).size > 20_000_000);
      const file = await open(join(folder, name), 'r+');
      await file.write(Buffer.alloc(1_000), 0, 1_000, 19_000_000);
      await file.close();
      await send(upload, bytes, 22_000_000, bytes.length);
      const outcome = await upload.finish();
      t.false(outcome.sentence.includes('4 of 4'), outcome.sentence);
      t.true(outcome.sentence.includes(`${last.name} `), outcome.sentence);
      t.false(existsSync(join(last.filesDir, 'file')));
      t.true(holds(a, bytes));
      last.wire?.limit(Number.POSITIVE_INFINITY);
      await until(async () => (await last.sweep())?.failures.length === 0);
      t.true(holds(last, bytes));
    });
  },
);

test.serial(
  'an upload goes on behind the first bytes of a file on all members of a network with chains',
  async (t) => {
    await chained(t, 4, async (lab) => {
      const a = lab.member('a');
      const bytes = randomBytes(9_000_000);
      await a.put('/file', bytes.subarray(0, 5_000_000));
      const entry = await a.replicas.lookup('/file');
      if (entry === null) throw new Error('it is not there');
      const upload = await a.replicas.startUpload('/file', { prefix: { entry, length: 4_000_000 } });
      await send(upload, bytes, 4_000_000, bytes.length);
      t.is((await upload.finish()).sentence, 'Stored on 4 of 4 members.');
      for (const member of lab.members) t.true(holds(member, bytes), member.name);
      await untilClean(lab);
    });
  },
);

test.serial('a file between the commit and the chain goes to each peer directly', async (t) => {
  await chained(t, 4, async (lab) => {
    const bytes = randomBytes(150_000);
    t.is((await lab.member('a').put('/file', bytes)).sentence, 'Stored on 4 of 4 members.');
    for (const member of lab.members) t.true(holds(member, bytes), member.name);
    t.true(lab.members.every((member) => nextOf(member) === undefined));
  });
});

test.serial(
  'who comes next is checked: no member twice, not the origin, not itself, nobody unknown',
  async (t) => {
    await chained(t, 3, async (lab) => {
      const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
      const credentials = await credentialsFor(lab.key, a.id);
      const door = openReplica({ endpoint: b.at, credentials });
      try {
        const id = 'a-chain-of-the-test';
        const next = [a.id, b.id, 'stranger-9999', c.id, c.id, b.id];
        await door.stage({ id, chain: { origin: a.id, hop: 0, next } });
        const upload = await door.openUpload(id, 0);
        const bytes = randomBytes(500_000);
        upload.write(bytes);
        await upload.end();
        await until(async () => (await c.client.stagedSize(id)) === bytes.length);
        const fed = b.logged.filter((line) => line.includes('is passed on'));
        t.deepEqual(
          fed.map((line) => /"member":"([^"]+)"/.exec(line)?.[1]),
          [c.id],
        );
        t.is(await a.client.stagedSize(id), null);
        t.true(b.logged.some((line) => line.includes('stranger-9999') && line.includes('not known here')));
        await t.throwsAsync(door.stage({ id: 'another-chain', chain: { origin: b.id, hop: 0, next: [] } }));
        await t.throwsAsync(
          door.stage({ id: 'another-chain', chain: { origin: a.id, hop: 0, next: ['../x'] } }),
        );
        await door.dropStaging(id);
        await c.client.dropStaging(id);
        await t.throwsAsync(door.stage({ id, chain: { origin: a.id, hop: 0, next: [c.id] } }));
        await untilClean(lab);
      } finally {
        door.close();
      }
    });
  },
);

test.serial(
  'a member in a chain whose disk gets full leaves it, the others hold the file when it is confirmed',
  async (t) => {
    const small = smallVolume(t, 40);
    if (small === null) return;
    await withMembers(
      t,
      { members: 4, wires: true, folderOf: (name) => (name === 'b' ? small.folder : null) },
      async (lab) => {
        await lab.introduce();
        const bytes = randomBytes(50_000_000);
        const outcome = await lab.member('a').put('/file', bytes);
        t.regex(outcome.sentence, /^Stored on 3 of 4 members \(b .*\)\.$/);
        for (const member of lab.members) t.is(holds(member, bytes), member.name !== 'b', member.name);
        await untilClean(lab);
      },
    );
  },
);

test.serial(
  'more uploads at once than a peer has connections for: all of them are on all members',
  async (t) => {
    await chained(t, 3, async (lab) => {
      const a = lab.member('a');
      // Long enough for a chain, and no longer: what is shown is their number (48 connections).
      const files = Array.from({ length: 52 }, (_, n) => ({
        path: `/many${n}`,
        bytes: Buffer.alloc(300_000, randomBytes(100)),
      }));
      const uploads = await Promise.all(files.map(({ path }) => a.replicas.startUpload(path)));
      // All are under way at once.
      await Promise.all(uploads.map((upload, n) => send(upload, files[n]?.bytes ?? Buffer.of(), 0, 280_000)));
      const outcomes = await Promise.all(
        uploads.map(async (upload, n) => {
          await send(upload, files[n]?.bytes ?? Buffer.of(), 280_000, 300_000);
          return await upload.finish();
        }),
      );
      for (const { sentence } of outcomes) t.is(sentence, 'Stored on 3 of 3 members.');
      for (const { filesDir } of lab.members) {
        for (const { path, bytes } of files) t.true(readFileSync(join(filesDir, path)).equals(bytes));
      }
      await untilClean(lab);
    });
  },
);

test.serial(
  'bytes that come in tiny pieces are passed on, and cost no more memory than others',
  async (t) => {
    await chained(t, 3, async (lab) => {
      const a = lab.member('a');
      const bytes = randomBytes(1_000_000);
      const upload = await a.replicas.startUpload('/file');
      for (let at = 0; at < bytes.length; at += 37) await upload.write(bytes.subarray(at, at + 37));
      t.is((await upload.finish()).sentence, 'Stored on 3 of 3 members.');
      for (const member of lab.members) t.true(holds(member, bytes), member.name);
    });
  },
);

test.serial(
  'a gateway that begins anew beside a member in the middle breaks nothing that is passed on',
  async (t) => {
    await chained(t, 3, async (lab) => {
      const a = lab.member('a');
      const bytes = randomBytes(4_000_000);
      const upload = await a.replicas.startUpload('/file');
      await send(upload, bytes, 0, 2_000_000);
      const [middle] = await order(lab, 2);
      if (middle === undefined) throw new Error('no chain');
      const members = middle.replicas
        .members()
        .slice(1)
        .map((each) => ({ ...each, member: null, state: 'away' as const, reason: 'not reached yet' }));
      t.is(members.length, 2);
      await middle.client.report({
        proxy: { at: 0, sessions: 0, transfers: 0, listening: '', ack: 'reachable', members },
      });
      await send(upload, bytes, 2_000_000, bytes.length);
      t.is((await upload.finish()).sentence, 'Stored on 3 of 3 members.');
      for (const member of lab.members) t.true(holds(member, bytes), member.name);
    });
  },
);

test.serial('who gives an upload up does not wait for a peer that hangs', async (t) => {
  await chained(t, 3, async (lab) => {
    const a = lab.member('a');
    const upload = await a.replicas.startUpload('/file');
    await send(upload, randomBytes(2_000_000), 0, 2_000_000);
    await order(lab, 1);
    for (const { wire } of lab.members.slice(1)) wire?.limit(0);
    const begun = performance.now();
    await upload.abort('the client is gone');
    t.true(performance.now() - begun < 5_000, 'a silent peer is given 10 s');
    for (const { wire } of lab.members.slice(1)) wire?.limit(Number.POSITIVE_INFINITY);
  });
});
