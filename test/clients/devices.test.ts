/** What cameras, scanners, controllers and programs with windows say, played to one member and looked at on the other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertIdentical } from '../network/compare.ts';
import { waitUntil } from '../network/wait-until.ts';
import { type Network, openNetwork, withNetwork } from '../network/with-network.ts';
import { cameraDialogues, hastyDialogues } from './dialogues/cameras.ts';
import { type Dialogue, play } from './dialogues/dialogue.ts';
import { latinDialogues, officeDialogues, refusedLatinDialogue } from './dialogues/office.ts';
import { programDialogues } from './dialogues/programs.ts';

let network: Network & AsyncDisposable;
test.before(async (t) => {
  t.timeout(120_000);
  network = await openNetwork({ members: 2 });
});
test.after.always(async () => {
  await network?.[Symbol.asyncDispose]();
});

async function contentOn(filesDir: string, path: string): Promise<string | null> {
  return await readFile(join(filesDir, path), 'utf8').catch(() => null);
}

async function playAndLook(t: ExecutionContext, dialogue: Dialogue, { members }: Network): Promise<void> {
  const [first] = members;
  if (first === undefined) throw new Error('no members');
  await play(dialogue, first);
  for (const [path, content] of Object.entries(dialogue.stored)) {
    for (const { name, filesDir } of members)
      t.is(await contentOn(filesDir, path), content, `${path} on ${name}`);
  }
}

for (const dialogue of [...cameraDialogues, ...officeDialogues, refusedLatinDialogue, ...programDialogues]) {
  test.serial(dialogue.title, async (t) => {
    t.timeout(60_000);
    await playAndLook(t, dialogue, network);
  });
}

test.serial('after all that the members are the same', async (t) => {
  await assertIdentical(t, network.members);
});

for (const dialogue of latinDialogues) {
  test.serial(`with --name-encoding latin-1: ${dialogue.title}`, async (t) => {
    await withNetwork(t, { members: 1, options: ['--name-encoding', 'latin-1'] }, async (own) => {
      await playAndLook(t, dialogue, own);
    });
  });
}

for (const dialogue of hastyDialogues) {
  test.serial(`with --accept-abrupt-close: ${dialogue.title}`, async (t) => {
    await withNetwork(t, { members: 2, options: ['--accept-abrupt-close'] }, async (own) => {
      const [first] = own.members;
      if (first === undefined) throw new Error('no members');
      await play(dialogue, first);
      for (const [path, content] of Object.entries(dialogue.stored)) {
        for (const { name, filesDir } of own.members) {
          // Nobody heard the 226: it may still be on its way.
          await waitUntil(`${path} on ${name}`, async () => {
            const found = await contentOn(filesDir, path);
            return found === content ? null : `it holds ${found}`;
          });
        }
      }
      t.pass();
    });
  });
}
