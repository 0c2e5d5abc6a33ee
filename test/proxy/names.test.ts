import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { withProxy } from './with-proxy.ts';

const ODD_NAMES = [
  'two  spaces',
  ' leading',
  'trailing ',
  'quote"s\'',
  '100%25',
  '#hash',
  '-la',
  '--',
  '*?[a-z]{x}',
  'back\\slash',
  '~',
  '\u00e9 NFC',
  'e\u0301 NFD',
  '\u{1f4be}',
  'ä'.repeat(100),
  '...',
  ';type=i',
  'a=b; c',
  '226 ok',
];

test('odd names go up, are listed, come down, are renamed and deleted as they are', async (t) => {
  const { login, names } = await withProxy(t);
  const client = await login();
  for (const name of ODD_NAMES) {
    t.is((await client.upload(`STOR ${name}`, name)).code, 226, name);
    t.is((await client.download(`RETR ${name}`)).bytes.toString(), name);
    t.is((await client.command(`SIZE ${name}`)).text, `213 ${Buffer.byteLength(name)}`);
    t.true(
      Buffer.from((await client.command(`MLST ${name}`)).text, 'latin1')
        .toString()
        .includes(` /${name}\n`),
      name,
    );
  }
  t.deepEqual(await names(), [...ODD_NAMES].sort());
  const listed = (await client.download('NLST')).bytes.toString().split('\r\n').slice(0, -1);
  t.deepEqual(listed.sort(), [...ODD_NAMES].sort());
  const facts = (await client.download('MLSD')).bytes.toString().split('\r\n').slice(0, -1);
  t.deepEqual(facts.map((line) => line.slice(line.indexOf(' ') + 1)).sort(), [...ODD_NAMES].sort());
  for (const name of ODD_NAMES) {
    t.is((await client.command(`RNFR ${name}`)).code, 350, name);
    t.is((await client.command(`RNTO x${name}`)).code, 250, name);
    t.is((await client.command(`DELE x${name}`)).code, 250, name);
  }
  t.deepEqual(await names(), []);
});

test('directories of odd names are made, entered, told with doubled quotes and removed', async (t) => {
  const { login, names } = await withProxy(t);
  const client = await login();
  for (const name of ODD_NAMES) {
    const told = `/${name.replaceAll('"', '""')}`;
    const heard = async (line: string) => Buffer.from((await client.command(line)).text, 'latin1').toString();
    t.true((await heard(`MKD ${name}`)).startsWith(`257 "${told}" `), name);
    t.is((await client.command(`MKD ${name}`)).code, 550, name);
    t.is((await client.command(`CWD ${name}`)).code, 250, name);
    t.true((await heard('PWD')).startsWith(`257 "${told}" `), name);
    t.is((await client.upload('STOR x', 'x')).code, 226);
    t.is((await client.command('CDUP')).code, 250);
    t.is((await client.command(`RMD ${name}`)).code, 550, 'not empty');
    t.is((await client.command(`DELE ${name}/x`)).code, 250);
    t.is((await client.command(`RMD ${name}`)).code, 250, name);
  }
  t.deepEqual(await names(), []);
});

test('flags of ls are ignored; a file of such a name is ./-la', async (t) => {
  const { login, put, replicas } = await withProxy(t);
  await put('-la', 'x');
  await mkdir(join(replicas.files, 'd'));
  await put('d/inside', 'x');
  const client = await login();
  for (const line of ['NLST', 'NLST -la', 'NLST -CF', 'NLST -a -l', 'NLST -la .', 'NLST -la /']) {
    t.is((await client.download(line)).bytes.toString(), '-la\r\nd\r\n', line);
  }
  t.is((await client.download('NLST -a d')).bytes.toString(), 'inside\r\n');
  t.is(
    (await client.download('NLST ./-la')).bytes.toString(),
    './-la\r\n',
    'as it was said: mget asks for it by that name',
  );
  t.regex((await client.download('LIST -a ./-la')).bytes.toString(), /^-rw-r--r-- .* -la\r\n$/);
});

test('LIST, NLST, MLSD and STAT of a file, an empty directory and nothing', async (t) => {
  const { login, put, replicas } = await withProxy(t);
  await put('file', 'abc');
  await mkdir(join(replicas.files, 'empty'));
  const client = await login();
  for (const [line, code, text] of [
    ['LIST file', 226, /^-rw-r--r-- {4}1 ftp {6}ftp {17}3 .* file\r\n$/],
    ['NLST file', 226, /^file\r\n$/],
    ['MLSD file', 501, /^$/],
    ['LIST empty', 226, /^$/],
    ['NLST empty', 226, /^$/],
    ['MLSD empty', 226, /^$/],
    ['LIST missing', 550, /^$/],
    ['NLST missing', 550, /^$/],
    ['MLSD missing', 550, /^$/],
  ] as const) {
    const { reply, bytes } = await client.download(line);
    t.is(reply.code, code, line);
    t.regex(bytes.toString(), text, line);
  }
  t.regex(
    (await client.command('STAT /')).text,
    /^213-[^\n]*\n drwxr-xr-x [^\n]* empty\n -rw-r--r-- [^\n]* file\n213 End\.$/,
  );
  t.is((await client.command('STAT missing')).code, 550);
  t.is((await client.command('CWD file')).code, 550);
  t.is((await client.command('CWD missing')).code, 550);
  t.is((await client.command('SIZE empty')).code, 550);
});

test('our own names do not exist for clients: 553 to write, 550 to read, in no listing', async (t) => {
  const { login, put, replicas } = await withProxy(t);
  await mkdir(join(replicas.files, '.cloudroid'));
  await put('.cloudroid/store.json', '{}');
  await put('f', 'x');
  const client = await login();
  for (const path of [
    '.cloudroid',
    '.cloudroid/store.json',
    '.cloudroid/new',
    '/x/../.CLOUDROID/y',
    '.cloudroid-x',
  ]) {
    for (const verb of ['STOR', 'APPE', 'STOU'])
      t.is((await client.upload(`${verb} ${path}`, 'y')).code, 553, verb);
    for (const verb of ['DELE', 'MKD', 'RMD', 'RNFR', 'MFMT 20200101000000', 'SITE CHMOD 644']) {
      t.is((await client.command(`${verb} ${path}`)).code, 553, `${verb} ${path}`);
    }
    for (const verb of ['CWD', 'SIZE', 'MDTM', 'MLST', 'HASH', 'STAT']) {
      t.is((await client.command(`${verb} ${path}`)).code, 550, `${verb} ${path}`);
    }
    for (const verb of ['RETR', 'LIST', 'NLST', 'MLSD']) {
      t.is((await client.download(`${verb} ${path}`)).reply.code, 550, `${verb} ${path}`);
    }
    await client.command('RNFR f');
    t.is((await client.command(`RNTO ${path}`)).code, 553);
  }
  for (const verb of ['LIST', 'NLST', 'MLSD'])
    t.notRegex((await client.download(verb)).bytes.toString(), /cloudroid/);
  t.notRegex((await client.command('STAT /')).text, /\.cloudroid/);
});

test('names that are too long are 553 and change nothing', async (t) => {
  const { login, names } = await withProxy(t);
  const client = await login();
  t.is((await client.upload(`STOR ${'x'.repeat(255)}`, 'x')).code, 226);
  t.is((await client.command(`DELE ${'x'.repeat(255)}`)).code, 250);
  for (const path of ['x'.repeat(256), 'ä'.repeat(128), 'a/'.repeat(2100)]) {
    for (const verb of ['STOR', 'MKD', 'CWD', 'SIZE'])
      t.is((await client.command(`${verb} ${path}`)).code, 553);
  }
  t.deepEqual(await names(), []);
});

test('the root can be entered and listed, and not removed, renamed or overwritten', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  for (const line of ['CWD /', 'CWD ..', 'CDUP', 'MLST /'])
    t.is((await client.command(line)).code, 250, line);
  for (const line of ['RMD /', 'DELE /', 'RNFR /', 'MKD /', 'MKD ..', 'SIZE /']) {
    t.is((await client.command(line)).code, 550, line);
  }
  t.is((await client.command('MKD a')).code, 257);
  t.is((await client.command('RNFR a')).code, 350);
  t.is((await client.command('RNTO a/b')).code, 550);
});
