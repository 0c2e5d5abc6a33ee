/** The storage server dies while it keeps a part, and the disk forgets what was not flushed: a whole part or none. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { openStore } from '../../src/storage/store.ts';
import { CONTENTS, OWNER } from './keep-until-killed.ts';
import { sha256Of, storeOptions, tempDirs } from './opened-store.ts';

const PROGRAM = fileURLToPath(new URL('./keep-until-killed.ts', import.meta.url));

/** `pass` 1: while the first is kept; 2: while the second takes its place. */
for (const failpoint of ['part:flushed', 'part:moved', 'part:recorded', 'nowhere']) {
  for (const pass of failpoint === 'nowhere' ? [1] : [1, 2]) {
    test.serial(
      `killed at ${failpoint}, time ${pass}: what was said to be kept is there, whole`,
      async (t) => {
        const dirs = tempDirs(t);
        mkdirSync(join(dirs.root, 'attic'));
        await (await openStore(storeOptions(dirs))).close();
        const child = spawn(process.execPath, ['--no-warnings', PROGRAM, dirs.root], {
          env: { ...process.env, CLOUDROID_FAILPOINT: `${failpoint}:${pass}` },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
        const signal = await new Promise((resolve) => child.once('close', (_code, ended) => resolve(ended)));
        t.is(signal, 'SIGKILL');
        const told = output.trimEnd().split('\n').filter(Boolean).length;
        t.is(told, failpoint === 'nowhere' ? 3 : pass - 1);
        const store = await openStore(storeOptions(dirs));
        const found = store.parts.find(OWNER);
        const content = found === null ? null : readFileSync(found.diskPath, 'utf8').slice(0, found.size);
        t.is(content === null ? undefined : sha256Of(content), found?.sha256);
        // The one under way may have become durable unheard.
        const possible = [CONTENTS[told - 1] ?? null, CONTENTS[told] ?? null];
        t.true(possible.includes(content as never), `${content}`);
        t.is(readdirSync(join(dirs.filesDir, '.cloudroid/parts')).length, content === null ? 0 : 2);
        await store.close();
      },
    );
  }
}
