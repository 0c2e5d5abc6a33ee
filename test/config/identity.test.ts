import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadOrMakeIdentity, readMemberId, slug } from '../../src/config/identity.ts';
import { CommandError } from '../../src/system/exit-status.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloudroid-identity-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

test('the id is the name at the first start with a random tail, and stays when the name changes', (t) => {
  const stateDir = join(folder, 'first', 'state');
  const first = loadOrMakeIdentity({ stateDir, name: 'Odroid N2 (left)' });
  t.regex(first.member, /^odroid-n2-left-[a-z0-9]{4}$/);
  t.deepEqual(loadOrMakeIdentity({ stateDir, name: 'other' }), { member: first.member, name: 'other' });
  t.deepEqual(readdirSync(stateDir), ['member.json']);
});

test('any name gives an id of at most 40 plain characters', (t) => {
  for (const name of ['Ä', '東京', 'x'.repeat(40), '--a--', 'Straße 5']) {
    t.regex(slug(name), /^[a-z0-9](?:[a-z0-9-]{0,33}[a-z0-9])?$/);
  }
});

test('processes that start at the same moment get one and the same id', async (t) => {
  const stateDir = join(folder, 'race');
  const source = new URL('../../src/config/identity.ts', import.meta.url).href;
  const script = `import { loadOrMakeIdentity } from ${JSON.stringify(source)};
    process.stdout.write(loadOrMakeIdentity({ stateDir: ${JSON.stringify(stateDir)}, name: 'race' }).member);`;
  const ids = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk;
      return text;
    }),
  );
  t.is(new Set(ids).size, 1);
  t.is(readMemberId(stateDir), ids[0] ?? null);
});

test('a damaged identity is refused by its path, never guessed anew', (t) => {
  const stateDir = join(folder, 'damaged');
  mkdirSync(stateDir);
  for (const text of ['', '{}', '{"member": "Ä"}', '[1]']) {
    writeFileSync(join(stateDir, 'member.json'), text);
    const error = t.throws(() => loadOrMakeIdentity({ stateDir, name: 'a' }), { instanceOf: CommandError });
    t.is(error?.status, 78);
    t.true(error?.message.includes(join(stateDir, 'member.json')));
  }
});

test('a folder that cannot be made is refused by its path', (t) => {
  writeFileSync(join(folder, 'file'), '');
  const error = t.throws(() => loadOrMakeIdentity({ stateDir: join(folder, 'file', 'state'), name: 'a' }), {
    instanceOf: CommandError,
  });
  t.true(error?.message.includes(join(folder, 'file', 'state')));
  t.is(error?.status, 73);
});
