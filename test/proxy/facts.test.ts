import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { withProxy } from './with-proxy.ts';

test('every way to set a time sets it, and MDTM tells it', async (t) => {
  const { login, put, replicas } = await withProxy(t);
  await put('a b', 'x');
  const client = await login();
  for (const [line, time] of [
    ['MFMT 20200102030405 a b', '20200102030405'],
    ['MFMT 20200102030406.789 a b', '20200102030406'],
    ['MDTM 20210102030405 a b', '20210102030405'],
    ['MFF Modify=20220102030405; a b', '20220102030405'],
    // As ncftp says it.
    ['MFF Modify=20220102030407;Create=20260102030407 a b', '20220102030407'],
    ['MFF modify=20220102030406;Create=20000101000000; a b', '20220102030406'],
    ['SITE UTIME 20230102030405 a b', '20230102030405'],
    ['SITE UTIME 202301020304 a b', '20230102030400'],
    ['SITE UTIME a b 20240102030405 20240102030406 20240102030407 UTC', '20240102030406'],
  ] as const) {
    t.is((await client.command(line)).text, `213 Modify=${time}; /a b`, line);
    t.is((await client.command('MDTM a b')).text, `213 ${time}`, line);
  }
  t.is((await stat(join(replicas.files, 'a b'))).mtimeMs, Date.UTC(2024, 0, 2, 3, 4, 6));
});

test('times and facts that make no sense are refused, missing files are 550', async (t) => {
  const { login, put } = await withProxy(t);
  await put('f', 'x');
  const client = await login();
  for (const [line, code] of [
    ['MFMT 20201302030405 f', 501],
    ['MFMT f', 501],
    ['MFMT 20200102030405', 501],
    ['MFF Modify=x; f', 501],
    ['MFF UNIX.mode=0644; f', 504],
    ['MFF f', 501],
    ['MFMT 20200102030405 missing', 550],
    ['MDTM 20200102030405 missing', 550],
    ['MDTM missing', 550],
    ['SITE UTIME f', 501],
    ['SITE CHMOD 999 f', 501],
    ['SITE CHMOD 644 missing', 550],
    ['SITE CHMOD 644 f', 200],
    ['HASH missing', 550],
  ] as const) {
    t.is((await client.command(line)).code, code, line);
  }
});

test('a file whose name looks like a time to set is what MDTM means', async (t) => {
  const { login, put } = await withProxy(t);
  await put('20200102030405 f', 'x');
  await put('f', 'x');
  const client = await login();
  const before = (await client.command('MDTM f')).text;
  t.regex((await client.command('MDTM 20200102030405 f')).text, /^213 \d{14}$/);
  t.is((await client.command('MDTM f')).text, before);
});

test('HASH, XSHA256 and the fact x.sha256 tell the hash of the bytes', async (t) => {
  const { login, put } = await withProxy(t);
  await put('f g', 'hello');
  const sha256 = createHash('sha256').update('hello').digest('hex');
  const client = await login();
  t.is((await client.command('HASH f g')).text, `213 SHA-256 0-5 ${sha256} /f g`);
  t.is((await client.command('XSHA256 f g')).text, `250 ${sha256.toUpperCase()}`);
  t.is((await client.command('XSHA256 "f g"')).text, `250 ${sha256.toUpperCase()}`);
  await client.command('OPTS MLST type;x.sha256;');
  t.is((await client.download('MLSD')).bytes.toString(), `type=file;x.sha256=${sha256}; f g\r\n`);
  t.is((await client.command('MLST f g')).lines[1], ` type=file;x.sha256=${sha256}; /f g`);
});
