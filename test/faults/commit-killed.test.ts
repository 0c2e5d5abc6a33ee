/** The storage server dies by SIGKILL at every step of a commit, as its own client's and as a peer's. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { COMMIT_FAILPOINTS, LATE_FAILPOINT } from '../../src/storage/store.ts';
import {
  assertIdentical,
  becomeIdentical,
  diskAgainstCatalog,
  diskPicture,
  type Picture,
} from '../network/compare.ts';
import type { Member } from '../network/member.ts';
import { waitUntil } from '../network/wait-until.ts';
import { withNetwork } from '../network/with-network.ts';
import type { HeardReply, RawClient } from '../proxy/raw-client.ts';

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** What a client may do in one go, with the whole tree before and after it. */
interface Change {
  readonly title: string;
  prepare(client: RawClient): Promise<void>;
  perform(client: RawClient): Promise<HeardReply>;
  readonly before: Picture;
  readonly after: Picture;
}

async function must(reply: Promise<HeardReply>): Promise<void> {
  const { code, text } = await reply;
  if (code >= 400) throw new Error(text);
}

function overwrite(title: string, size: number): Change {
  const [old, young] = [randomBytes(size), randomBytes(size + 1)];
  return {
    title,
    prepare: (client) => must(client.upload('STOR /file', old)),
    perform: (client) => client.upload('STOR /file', young),
    before: [`/file file ${sha256(old)}`],
    after: [`/file file ${sha256(young)}`],
  };
}

const renameFolder: Change = {
  title: 'a folder is renamed',
  async prepare(client) {
    await must(client.command('MKD /old'));
    for (const name of ['1', '2', '3']) await must(client.upload(`STOR /old/${name}`, `content ${name}`));
  },
  async perform(client) {
    await must(client.command('RNFR /old'));
    return await client.command('RNTO /new');
  },
  before: [
    '/old directory',
    ...['1', '2', '3'].map((name) => `/old/${name} file ${sha256(`content ${name}`)}`),
  ],
  after: [
    '/new directory',
    ...['1', '2', '3'].map((name) => `/new/${name} file ${sha256(`content ${name}`)}`),
  ],
};

const remove: Change = {
  title: 'a file is deleted',
  prepare: (client) => must(client.upload('STOR /doomed', 'content')),
  perform: (client) => client.command('DELE /doomed'),
  before: [`/doomed file ${sha256('content')}`],
  after: [],
};

const changes: readonly Change[] = [
  overwrite('a large file is overwritten', 400_000),
  overwrite('a small file is overwritten', 500),
  renameFolder,
  remove,
];

async function emptyAgain(client: RawClient, picture: Picture): Promise<void> {
  for (const line of [...picture].reverse()) {
    const [path, kind] = line.split(' ');
    await must(client.command(`${kind === 'directory' ? 'RMD' : 'DELE'} ${path}`));
  }
}

/** Starts the member's storage server to die at the failpoint. */
async function armed(member: Member, failpoint: string): Promise<void> {
  await member.process('ftp').stop();
  await member.startRole('ftp', { CLOUDROID_FAILPOINT: failpoint });
}

/** What a commit that died had in staging is gone; uploads that failed are kept for a day, to be resumed. */
async function assertStagingCleaned(
  t: ExecutionContext,
  member: Member,
  failedUploads: number,
): Promise<void> {
  await member.process('ftp').stop();
  await member.startRole('ftp');
  const left = readdirSync(join(member.filesDir, '.cloudroid', 'staging'));
  t.deepEqual(
    left.filter((name) => /^(link|copy|inline|touch)-/.test(name)),
    [],
  );
  t.true(left.length <= failedUploads, `${left.join(', ')} after ${failedUploads} failed uploads`);
}

for (const failpoint of COMMIT_FAILPOINTS) {
  test.serial(
    `killed at ${failpoint}, a storage server comes back with the old or the new state, never a mixture`,
    async (t) => {
      await withNetwork(t, { members: 1, apart: true }, async (network) => {
        const a = network.member('a');
        let deaths = 0;
        let failedUploads = 0;
        for (const { title, prepare, perform, before, after } of changes) {
          const first = await a.login();
          await prepare(first);
          first.destroy();
          t.deepEqual(await diskPicture(a.filesDir), before, title);
          await armed(a, failpoint);
          const client = await a.login();
          const outcome = perform(client).catch((error: unknown) => String(error));
          const died = await Promise.race([
            a.process('ftp').ended.then(() => true),
            outcome.then(async () => {
              if (failpoint === LATE_FAILPOINT) await a.process('ftp').ended;
              return failpoint === LATE_FAILPOINT;
            }),
          ]);
          if (died) {
            deaths += 1;
            // Before anybody mends anything: each file is one of the two, whole.
            const possible = new Set([...before, ...after]);
            const strange = (await diskPicture(a.filesDir)).filter((line) => !possible.has(line));
            t.deepEqual(strange, [], `${title}: the disk of the dead`);
            await a.startRole('ftp');
          }
          const reply = await outcome;
          const acknowledged = typeof reply !== 'string' && reply.code < 300;
          if (!acknowledged) failedUploads += 1;
          if (!died) {
            await a.process('ftp').stop();
            await a.startRole('ftp');
          }
          const found = await diskPicture(a.filesDir);
          const isNew = JSON.stringify(found) === JSON.stringify(after);
          if (!isNew) t.deepEqual(found, before, `${title}: neither the old nor the new state`);
          if (acknowledged) t.true(isNew, `${title}: acknowledged, so it must be there`);
          t.is(await diskAgainstCatalog(a), null, title);
          client.destroy();
          await a.ready(1);
          const last = await a.login();
          await emptyAgain(last, found);
          last.destroy();
          t.deepEqual(await diskPicture(a.filesDir), []);
        }
        t.true(deaths >= 1, `no change of this test passes ${failpoint}`);
        await assertStagingCleaned(t, a, failedUploads);
      });
    },
  );
}

test.serial('a peer killed at any step of taking a change over is identical after its return', async (t) => {
  await withNetwork(t, { members: 2, apart: true }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const client = await a.login();
    let deaths = 0;
    await must(client.upload('STOR /file', randomBytes(100_000)));
    for (const failpoint of COMMIT_FAILPOINTS) {
      await armed(b, failpoint);
      // It may die before the upload, of a round of its own: then there is nothing to wait for.
      await waitUntil('b is in step or dead', () => (b.runs('ftp') ? a.seesInStep(2) : null));
      const young = randomBytes(100_001);
      const reply = await client.upload('STOR /file', young);
      t.is(reply.code, 226, reply.text);
      t.true((await diskPicture(a.filesDir)).includes(`/file file ${sha256(young)}`));
      if (failpoint === LATE_FAILPOINT) await b.process('ftp').ended;
      const died = !b.runs('ftp') || reply.text.includes('1 of 2');
      if (died) {
        await b.process('ftp').ended;
        deaths += 1;
        await b.startRole('ftp');
      }
      await becomeIdentical(network.members);
      t.true((await diskPicture(b.filesDir)).includes(`/file file ${sha256(young)}`), failpoint);
    }
    t.true(
      deaths >= COMMIT_FAILPOINTS.length - 1,
      `died at ${deaths} of ${COMMIT_FAILPOINTS.length} failpoints`,
    );
    await assertIdentical(t, network.members);
    client.destroy();
  });
});
