/** Every command that takes a path, tried against the wall of a home folder. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { commandTable } from '../../src/proxy/command-table.ts';
import { withProxy } from './with-proxy.ts';

const OUTSIDE = [
  '../secret.txt',
  '/../secret.txt',
  'x/../../secret.txt',
  '/people/bert/../../secret.txt',
  '/secret.txt',
  '../bert/secret.txt',
  '/people/bert/secret.txt',
  '../anna2/secret.txt',
];

/** The commands whose argument names files, each with the line for a path. */
function linesFor(path: string): readonly (readonly [string, string])[] {
  return commandTable
    .filter(({ syntax }) => syntax?.includes('<path>'))
    .map(({ name }) => {
      switch (name) {
        case 'MFMT':
        case 'SITE UTIME':
          return [name, `${name} 20200101000000 ${path}`] as const;
        case 'MFF':
          return [name, `MFF Modify=20200101000000; ${path}`] as const;
        case 'SITE CHMOD':
          return [name, `SITE CHMOD 600 ${path}`] as const;
        default:
          return [name, `${name} ${path}`] as const;
      }
    });
}

test('a home folder cannot be left by any command, and its real path is told to nobody', async (t) => {
  const { addUser, login, put, stored, names, replicas } = await withProxy(t);
  for (const folder of ['people/anna', 'people/bert', 'people/anna2']) {
    await mkdir(join(replicas.files, folder), { recursive: true });
    if (!folder.endsWith('/anna')) await put(`${folder}/secret.txt`, 'not yours');
  }
  await put('secret.txt', 'not yours');
  await addUser('anna', 'secret', { home: '/people/anna' });
  const before = await names();
  const tried = new Set<string>();
  const heard: string[] = [];
  for (const path of OUTSIDE) {
    for (const [name, line] of linesFor(path)) {
      tried.add(name);
      const client = await login('anna', 'secret');
      switch (name) {
        case 'STOR':
        case 'APPE':
        case 'STOU':
          heard.push((await client.upload(line, 'overwritten')).text);
          break;
        case 'RETR':
        case 'LIST':
        case 'NLST':
        case 'MLSD': {
          const { reply, bytes } = await client.download(line);
          heard.push(reply.text, bytes.toString());
          break;
        }
        case 'RNTO':
          await client.upload('STOR own.txt', 'own');
          await client.command('RNFR own.txt');
          heard.push((await client.command(line)).text);
          break;
        default:
          heard.push((await client.command(line)).text, (await client.command('PWD')).text);
      }
      client.destroy();
      for (const file of ['secret.txt', 'people/bert/secret.txt', 'people/anna2/secret.txt']) {
        t.is(await stored(file), 'not yours', `${line} reached ${file}`);
      }
    }
  }
  t.true(tried.size >= 20, [...tried].join());
  for (const text of heard) {
    t.notRegex(text, /not yours|people\/anna(?!2)|\/srv|data\/files/);
    // The user's own words come back, never the place where they led.
    t.notRegex(text, /^213 9\b/m);
  }
  t.deepEqual(await names(), before);
});

test('in a home folder all replies and listings name paths as the user does', async (t) => {
  const { addUser, login, stored } = await withProxy(t);
  await addUser('anna', 'secret', { home: '/people/anna' });
  const client = await login('anna', 'secret');
  t.is((await client.command('MKD album')).text.trim().slice(0, 12), '257 "/album"');
  t.is((await client.upload('STOR album/one.txt', 'one')).code, 226);
  t.is(await stored('people/anna/album/one.txt'), 'one');
  t.regex((await client.command('CWD album')).text, /"\/album"/);
  t.regex((await client.command('MLST one.txt')).text, / \/album\/one\.txt/);
  t.regex((await client.command('HASH one.txt')).text, / \/album\/one\.txt/);
  t.regex((await client.command('SIZE missing')).text, /550 \/album\/missing: /);
  t.regex((await client.command('DELE missing')).text, /550 \/album\/missing: /);
  t.regex((await client.command('RMD /album')).text, /550 \/album: /);
  t.is((await client.download('NLST /')).bytes.toString(), 'album\r\n');
  t.is((await client.download('RETR /album/one.txt')).bytes.toString(), 'one');
  t.is((await client.upload('APPE one.txt', ' two')).code, 226);
  await client.command('REST 3');
  t.is((await client.upload('STOR one.txt', ' and more')).code, 226);
  t.is(await stored('people/anna/album/one.txt'), 'one and more');
  t.is((await client.command('RNFR /album/one.txt')).code, 350);
  t.is((await client.command('RNTO /moved.txt')).code, 250);
  t.is(await stored('people/anna/moved.txt'), 'one and more');
  t.is(
    (await client.command('MFMT 20200101000000 /moved.txt')).text.trim(),
    '213 Modify=20200101000000; /moved.txt',
  );
  for (const line of ['RMD /', 'DELE /', 'RNFR /', 'MKD /'])
    t.is((await client.command(line)).code, 550, line);
  t.is((await client.command('CDUP')).code, 250);
  t.is((await client.command('CDUP')).code, 250);
  t.regex((await client.command('PWD')).text, /"\/"/);
});
