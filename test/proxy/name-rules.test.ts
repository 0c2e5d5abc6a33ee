import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { withProxy } from './with-proxy.ts';

const RIGHT_TO_LEFT = 'photo\u202egpj.exe';
const REFUSED = [
  RIGHT_TO_LEFT,
  'a\u2028b',
  'a\u2029b',
  '\u202aa',
  'a\u2066b\u2069',
  ' ',
  '   ',
  '\u00a0\u3000',
];

test('nothing new gets a name that cannot be listed safely, by no command', async (t) => {
  const { login, names, put } = await withProxy(t);
  await put('f', 'x');
  const client = await login();
  for (const name of REFUSED) {
    for (const verb of ['STOR', 'APPE', 'STOU'])
      t.is((await client.upload(`${verb} ./${name}`, 'y')).code, 553, `${verb} ${JSON.stringify(name)}`);
    for (const verb of ['MKD', 'XMKD']) t.is((await client.command(`${verb} ./${name}`)).code, 553, name);
    t.is((await client.command('RNFR f')).code, 350);
    t.is((await client.command(`RNTO ./${name}`)).code, 553, name);
  }
  t.deepEqual(await names(), ['f']);
});

test('marks of direction and spaces at the ends are parts of honest names', async (t) => {
  const { login, names } = await withProxy(t);
  const client = await login();
  const honest = [
    ' a',
    'a ',
    'a\u200fb',
    '\u200ea',
    'a\u202fb',
    '\u2800',
    'CON',
    'a:b',
    'a?b',
    '..a',
    '....',
  ];
  for (const name of honest) t.is((await client.upload(`STOR ${name}`, 'x')).code, 226, JSON.stringify(name));
  t.deepEqual(await names(), [...honest].sort());
});

test('what is there under such a name can be listed, read, renamed and deleted, and a folder of it used', async (t) => {
  const { login, names, put, replicas } = await withProxy(t);
  const client = await login();
  for (const name of REFUSED) {
    await put(name, 'x');
    t.is((await client.download('NLST')).bytes.toString(), `${name}\r\n`);
    t.is((await client.download(`RETR ./${name}`)).bytes.toString(), 'x');
    t.is((await client.command(`SIZE ./${name}`)).text, '213 1');
    t.is((await client.command(`RNFR ./${name}`)).code, 350);
    t.is((await client.command('RNTO plain')).code, 250);
    await put(name, 'x');
    t.is((await client.command(`DELE ./${name}`)).code, 250);
    t.is((await client.command('DELE plain')).code, 250);
    await mkdir(join(replicas.files, name));
    t.is((await client.upload(`STOR ./${name}/inside`, 'x')).code, 226);
    t.is((await client.command(`DELE ./${name}/inside`)).code, 250);
    t.is((await client.command(`RMD ./${name}`)).code, 250);
  }
  t.deepEqual(await names(), []);
});

test('LIST, NLST and STAT take a pattern in the last component, for mget', async (t) => {
  const { login, put, replicas } = await withProxy(t);
  await mkdir(join(replicas.files, 'd'));
  for (const name of ['a.txt', 'b.txt', 'c.jpg', '.hidden', 'd/e.txt', 'd/f.jpg']) await put(name, 'x');
  const client = await login();
  for (const [line, expected] of [
    ['NLST *', ['a.txt', 'b.txt', 'c.jpg', 'd']],
    ['NLST *.txt', ['a.txt', 'b.txt']],
    ['NLST -CF ?.txt', ['a.txt', 'b.txt']],
    ['NLST .*', ['.hidden']],
    ['NLST d/*.txt', ['d/e.txt']],
    ['NLST /d/*', ['/d/e.txt', '/d/f.jpg']],
    ['NLST d/e.txt', ['d/e.txt']],
    ['NLST d', ['e.txt', 'f.jpg']],
    ['NLST *.zip', []],
  ] as const) {
    const { reply, bytes } = await client.download(line);
    t.is(reply.code, 226, line);
    t.deepEqual(bytes.toString().split('\r\n').slice(0, -1), expected, line);
  }
  t.regex((await client.download('LIST /d/*.jpg')).bytes.toString(), /^-rw-r--r-- \S* *[^\n]* f\.jpg\r\n$/);
  t.is((await client.command('STAT *.jpg')).lines.length, 3);
  for (const line of ['NLST missing/*', 'NLST */e.txt', 'LIST missing', 'MLSD *'])
    t.is((await client.download(line)).reply.code, 550, line);
  for (const line of ['DELE *', 'SIZE *', 'CWD d*', 'RNFR *', 'RMD d*'])
    t.is((await client.command(line)).code, 550, `${line}: no pattern here`);
});

test('a name that looks like a pattern is meant before the pattern, and our own names fit none', async (t) => {
  const { login, put, replicas } = await withProxy(t);
  await put('*', 'x');
  await put('other', 'x');
  await mkdir(join(replicas.files, '.cloudroid'));
  const client = await login();
  t.is((await client.download('NLST *')).bytes.toString(), '*\r\n');
  t.is((await client.download('NLST .*')).bytes.toString(), '');
  t.is((await client.download('NLST .cloud*')).bytes.toString(), '');
  t.is((await client.download('NLST .cloudroid/*')).reply.code, 550);
});

test('AVBL tells the bytes that an upload may have', async (t) => {
  const { login, put, replicas } = await withProxy(t);
  await put('f', 'x');
  replicas.faults.freeBytes = 123_456;
  const client = await login();
  for (const line of ['AVBL', 'AVBL /', 'AVBL .'])
    t.is((await client.command(line)).text, '213 123456', line);
  for (const line of ['AVBL f', 'AVBL missing', 'AVBL .cloudroid'])
    t.is((await client.command(line)).code, 550, line);
});
