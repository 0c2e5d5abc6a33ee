import test from 'ava';
import { commandTable, findCommand } from '../../src/proxy/command-table.ts';
import { withProxy } from './with-proxy.ts';

/** Names a client may say, aliases included, as they go over the wire. */
const spoken = commandTable.flatMap((definition) =>
  [definition.name, ...(definition.aliases ?? [])].map((name) => ({ name, definition })),
);

test('every command of the core, data and RFC 3659 groups is in the table', (t) => {
  const wanted =
    'USER PASS REIN QUIT NOOP PWD CWD CDUP MKD RMD DELE RNFR RNTO XPWD XCWD XCUP XMKD XRMD LIST NLST RETR STOR APPE STOU SYST HELP STAT ACCT EPSV PASV EPRT PORT TYPE MODE STRU ALLO SIZE MDTM REST MLST MLSD FEAT OPTS CLNT AUTH PBSZ PROT LANG HOST MFMT MFF HASH XSHA256 AVBL NETS ABOR SITE';
  for (const name of wanted.split(' ')) t.not(findCommand(name, ''), null, name);
  for (const verb of ['NETS', 'HELP', 'CHMOD', 'UTIME'])
    t.is(findCommand('SITE', verb)?.definition.name, `SITE ${verb}`);
});

test('no name is in the table twice', (t) => {
  t.is(new Set(spoken.map(({ name }) => name)).size, spoken.length);
});

test('before login a command that needs one is answered 530, and nothing else happens', async (t) => {
  const { connect, names } = await withProxy(t);
  const client = await connect();
  for (const { name, definition } of spoken) {
    if (definition.needsLogin === false) continue;
    for (const argument of ['', ' x', ' 20200101000000 x']) {
      const { code } = await client.command(name + argument);
      t.is(code, 530, name + argument);
    }
  }
  t.deepEqual(await names(), []);
});

test('a missing argument is 501 wherever one is required', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  for (const { name, definition } of spoken) {
    if (definition.argument !== 'required') continue;
    t.is((await client.command(name)).code, 501, name);
    t.is((await client.command(`${name} `)).code, 501, `${name} with a space`);
  }
});

test('an argument where none belongs is 501', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  for (const { name, definition } of spoken) {
    if (definition.argument !== 'none') continue;
    t.is((await client.command(`${name} x`)).code, 501, name);
  }
  t.is((await client.command('NOOP')).code, 200);
});

test('a control character or invalid UTF-8 in an argument is 501 for every command', async (t) => {
  const { login, names } = await withProxy(t);
  const client = await login();
  for (const { name } of spoken) {
    for (const bad of ['a\tb', 'a\u0000b', 'a\u001bb', 'a\u007fb', 'a\rb']) {
      t.is((await client.command(`${name} ${bad}`)).code, 501, `${name} ${JSON.stringify(bad)}`);
    }
    client.send(Buffer.concat([Buffer.from(`${name} `), Buffer.from([0xe4]), Buffer.from('\r\n')]));
    t.is((await client.reply()).code, 501, `${name} latin-1`);
  }
  t.deepEqual(await names(), []);
});

test('unknown words are 500, known but not done ones 502, TLS is refused cleanly', async (t) => {
  const { connect } = await withProxy(t);
  const client = await connect();
  for (const [line, code] of [
    ['FROB', 500],
    ['FROB x', 500],
    ['', 500],
    ['1234', 500],
    ['SMNT x', 502],
    ['CCC', 502],
    ['AUTH TLS', 504],
    ['AUTH SSL', 504],
    ['PBSZ 0', 503],
    ['PROT P', 503],
  ] as const) {
    t.is((await client.command(line)).code, code, line);
  }
});

test('HELP tells about every command, FEAT and OPTS work before login', async (t) => {
  const { connect } = await withProxy(t);
  const client = await connect();
  const { code, text } = await client.command('HELP');
  t.is(code, 214);
  for (const { name } of commandTable) {
    if (!name.startsWith('SITE ')) t.regex(text, new RegExp(`\\b${name}\\b`), name);
    t.is((await client.command(`HELP ${name}`)).code, 214, name);
  }
  t.is((await client.command('HELP FROB')).code, 504);
  for (const line of ['HELP SITE', 'SITE HELP'])
    t.regex((await client.command(line)).text, /NETS.*CHMOD|CHMOD[\s\S]*NETS/);
  const features = await client.command('FEAT');
  t.is(features.code, 211);
  for (const feature of [
    'UTF8',
    'SIZE',
    'MDTM',
    'REST STREAM',
    'EPSV',
    'EPRT',
    'MFMT',
    'TVFS',
    'HOST',
    'AVBL',
  ]) {
    t.true(features.lines.includes(` ${feature}`), feature);
  }
  t.true(features.text.includes(' MLST type*;size*;modify*;perm*;UNIX.mode*;x.sha256;'));
  t.is((await client.command('OPTS UTF8 ON')).code, 200);
  t.is((await client.command('opts utf8 on')).code, 200);
  t.is((await client.command('OPTS MLST Size;X.sha256;bogus;')).text, '200 MLST OPTS size;x.sha256;');
  t.true((await client.command('FEAT')).text.includes(' MLST type;size*;modify;perm;UNIX.mode;x.sha256*;'));
  t.is((await client.command('OPTS FROB')).code, 501);
});

test('commands in the wrong order are 503', async (t) => {
  const { connect, login } = await withProxy(t);
  const stranger = await connect();
  t.is((await stranger.command('PASS guest')).code, 503);
  const client = await login();
  t.is((await client.command('RNTO x')).code, 503);
  t.is((await client.command('HOST x')).code, 503);
});

test('the forms of TYPE, MODE, STRU, ALLO, REST and EPSV', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  for (const [line, code] of [
    ['TYPE I', 200],
    ['TYPE A', 200],
    ['type a n', 200],
    ['TYPE A;N', 200],
    ['TYPE AN', 200],
    ['TYPE L 8', 200],
    ['TYPE L8', 200],
    ['TYPE L 36', 504],
    ['TYPE E', 504],
    ['TYPE A T', 504],
    ['TYPE X', 501],
    ['MODE S', 200],
    ['MODE B', 504],
    ['MODE X', 501],
    ['STRU F', 200],
    ['STRU R', 504],
    ['STRU X', 501],
    ['ALLO 5', 200],
    ['ALLO 5 R 80', 200],
    ['ALLO 0', 200],
    ['ALLO -5', 501],
    ['REST 0', 350],
    ['REST 99999999999', 350],
    ['REST -1', 501],
    ['REST 1.5', 501],
    ['EPSV', 229],
    ['EPSV 1', 229],
    ['EPSV 2', 522],
    ['EPSV x', 501],
    ['PASV', 227],
    ['ACCT x', 202],
    ['CLNT lftp', 200],
    ['LANG', 200],
    ['LANG en-US', 200],
    ['LANG fr', 504],
    ['ABOR', 225],
    ['SITE', 501],
    ['SITE FROB', 501],
  ] as const) {
    t.is((await client.command(line)).code, code, line);
  }
});

test('NETS and SITE NETS tell of every member', async (t) => {
  const { login } = await withProxy(t);
  const client = await login();
  for (const line of ['NETS', 'SITE NETS', 'site nets']) {
    const { lines } = await client.command(line);
    t.deepEqual(lines, [
      '211-Members of this network:',
      ' one (this member): in step',
      ' two (10.0.0.2:6001): away, no route',
      '211 End.',
    ]);
  }
});
