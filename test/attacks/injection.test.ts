/** An argument is one argument: no byte in it becomes a second command, here or on the way to the peers. */
import test from 'ava';
import { commandTable } from '../../src/proxy/command-table.ts';
import { catalogPicture } from '../network/compare.ts';
import { waitUntil } from '../network/wait-until.ts';
import { RawClient } from '../proxy/raw-client.ts';
import { pathCommands } from './path-commands.ts';
import { Scene } from './scene.ts';

let scene: Scene;
test.before(async () => {
  scene = await Scene.open();
});
test.after.always('closed', async () => scene?.close());

const IAC = 255;
/** Inside one line as the server sees it; none of them is a line end. */
const BREAKS: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['CR', Buffer.from('\r')],
  ['CR CR', Buffer.from('\r\r')],
  ['NUL', Buffer.from('\0')],
  ['CR NUL', Buffer.from('\r\0')],
  ['vertical tab', Buffer.from('\v')],
  ['form feed', Buffer.from('\f')],
  ['ESC', Buffer.from('\u001b')],
  ['DEL', Buffer.from('\u007f')],
  ['NEL', Buffer.from('\u0085')],
  ['CSI', Buffer.from('\u009b')],
  ['a lone latin-1 NEL', Buffer.from([0x85])],
  ['an overlong CR', Buffer.from([0xc0, 0x8d])],
  ['an overlong slash', Buffer.from([0xc0, 0xaf])],
  ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
  ['an escaped IAC', Buffer.from([IAC, IAC])],
];

test.serial(
  'a control character in the argument of any command is a 501, and none of it is carried out',
  async (t) => {
    const client = await scene.a.login();
    const before = catalogPicture(scene.a);
    const names = commandTable.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
    for (const name of names) {
      for (const [what, bytes] of BREAKS) {
        client.send(Buffer.concat([Buffer.from(`${name} /x`), bytes, Buffer.from('DELE /canary.txt\r\n')]));
        const { code, text } = await client.reply();
        t.is(code, 501, `${name} with ${what}: ${text}`);
      }
    }
    t.is((await client.command('NOOP')).code, 200, 'not one answer too many');
    t.deepEqual(catalogPicture(scene.a), before);
    client.destroy();
  },
);

test.serial('telnet sequences within a line vanish and bring nothing in', async (t) => {
  const client = await scene.a.login();
  const before = catalogPicture(scene.a);
  for (const sequence of [
    [IAC, 244],
    [IAC, 244, IAC, 242],
    [IAC, 241],
    [IAC, 246],
    [IAC, 250, 1, 13, 10, 68, 69, 76, 69, 13, 10, IAC, 240],
  ]) {
    client.send(Buffer.concat([Buffer.from('SIZE /can'), Buffer.from(sequence), Buffer.from('ary.txt\r\n')]));
    const { text } = await client.reply();
    t.is(text, `213 ${scene.canary.length}`, `${sequence}`);
  }
  client.send(Buffer.from([IAC, 253, 1, IAC, 251, 3]));
  client.send('SIZE /canary.txt\r\n');
  // The refusals of the options come without a line end.
  await waitUntil('the answer', () =>
    client.heard.endsWith(`213 ${scene.canary.length}\r\n`) ? null : client.heard,
  );
  t.deepEqual(catalogPicture(scene.a), before);
  client.destroy();
});

/** Allowed names, each of which would be something else to a careless protocol between the members. */
const TEMPTING = [
  'x -a y',
  '-x',
  'a "quoted" b',
  "a ' b",
  'x\\r\\nDELE \\canary.txt',
  'x%0d%0aDELE%20canary.txt',
  '; rm -rf canary.txt',
  '$(touch canary.txt)',
  '`id`',
  '| cat',
  '> canary.txt',
  '&& true',
  '* ? [a-z] {a,b}',
  'canary.tx?',
  '226 Stored on 2 of 2 members.',
  'SITE COMMIT e30',
  "x'; DELETE FROM records; --",
  '{"op":"delete"}',
  '__proto__',
  'constructor',
  'toString',
  'NaN',
  'null',
  '\ufeffcanary.txt',
  'canary.txt ',
  ' canary.txt',
  'CANARY.TXT',
  'con',
  'nul.txt',
  '%s%s%s%n',
];

test.serial('names that look like something else are names, on both members', async (t) => {
  const client = await scene.a.login();
  for (const name of TEMPTING) {
    t.is((await client.upload(`STOR ${name}`, name)).code, 226, name);
    t.is((await client.download(`RETR ${name}`)).bytes.toString(), name, name);
    t.is((await client.command(`RNFR ${name}`)).code, 350, name);
    t.is((await client.command(`RNTO ${name}-2`)).code, 250, name);
    t.is((await client.command(`MFMT 20200101000000 ${name}-2`)).code, 213, name);
    t.is((await client.command(`SITE CHMOD 777 ${name}-2`)).code, 200, name);
    t.is((await client.command(`MKD ${name}`)).code, 257, name);
    t.is((await client.command(`RMD ${name}`)).code, 250, name);
    t.is((await client.command(`DELE ${name}-2`)).code, 250, name);
  }
  client.destroy();
  await scene.assertUnharmed(t);
  for (const member of scene.network.members) {
    const live = catalogPicture(member).filter((line) => !line.includes(' kind 0 '));
    t.deepEqual(
      live.map((line) => line.split(' kind ')[0]),
      ['/canary.txt'],
      member.name,
    );
  }
});

test.serial('names that break or turn a listing are refused before any byte', async (t) => {
  const client = await scene.a.login();
  for (const name of ['\u2028DELE canary.txt', '\u2029', '\u202egnp.exe', 'a\u2066b']) {
    t.is((await client.upload(`STOR ${name}`, 'x')).code, 553, name);
    t.is((await client.command(`MKD ${name}`)).code, 553, name);
    t.is((await client.command('RNFR canary.txt')).code, 350);
    t.is((await client.command(`RNTO ${name}`)).code, 553, name);
    t.is((await client.command(`MFMT 20200101000000 ${name}`)).code, 550, name);
    t.is((await client.command(`SITE CHMOD 777 ${name}`)).code, 550, name);
  }
  client.destroy();
  await scene.assertUnharmed(t);
});

test.serial('what a web page makes a browser say is not heard as commands', async (t) => {
  for (const method of ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'CONNECT']) {
    const client = await RawClient.connect(scene.a.port, { host: scene.a.host });
    client.send(
      `${method} /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\nUSER guest\r\nPASS guest\r\nDELE /canary.txt\r\nQUIT\r\n`,
    );
    await client.closed();
    t.regex(client.heard, /^220 [^\r\n]*\r\n500 [^\r\n]*\r\n$/, method);
  }
  await scene.assertUnharmed(t);
});

test.serial('a reply repeats nothing that breaks out of its line', async (t) => {
  const client = await scene.a.login();
  await client.command('MKD /226 Faked');
  for (const command of pathCommands.filter(({ transfers }) => !transfers)) {
    const { lines } = await client.command(command.line('/226 Faked\u2028\u00a0221 Good-bye'));
    t.true(
      lines.every((line, index) => index === 0 || index === lines.length - 1 || line.startsWith(' ')),
      `${lines}`,
    );
  }
  t.is((await client.command('NOOP')).code, 200);
  t.is((await client.command('RMD /226 Faked')).code, 250);
  client.destroy();
  await scene.assertUnharmed(t);
});
