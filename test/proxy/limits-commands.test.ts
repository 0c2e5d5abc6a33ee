/** --allow-commands and --deny-commands. */
import test from 'ava';
import { commandNames } from '../../src/config/gateway-checks.ts';
import { commandTable } from '../../src/proxy/command-table.ts';
import { ALWAYS, PREPARING } from '../../src/proxy/limits/command-rules.ts';
import { withProxy } from './with-proxy.ts';

test('denied commands are 502 in every form, and neither HELP nor FEAT speaks of them', async (t) => {
  const { login, put, names } = await withProxy(t, { denyCommands: commandNames('DELE, XMKD, RMD, MLST') });
  await put('f', 'x');
  const client = await login();
  for (const line of ['DELE f', 'MKD d', 'XMKD d', 'RMD d', 'XRMD d', 'MLST f', 'dele f']) {
    const answer = await client.command(line);
    t.is(answer.code, 502, line);
    t.regex(answer.text, /not allowed here/);
  }
  t.deepEqual(await names(), ['f']);
  const help = (await client.command('HELP')).text;
  t.notRegex(help, /DELE|MKD|RMD|MLST/);
  t.regex(help, /STOR/);
  t.notRegex((await client.command('FEAT')).text, /MLST/);
  t.is((await client.command('HELP DELE')).code, 504);
  t.is((await client.upload('STOR g', 'y')).code, 226);
});

test('with a list of allowed commands a camera can store, and nobody can look', async (t) => {
  const { connect, names } = await withProxy(t, { allowCommands: commandNames('STOR,MKD,CWD') });
  const camera = await connect();
  for (const [line, code] of [
    ['FEAT', 211],
    ['USER guest', 331],
    ['PASS guest', 230],
    ['SYST', 215],
    ['PWD', 257],
    ['TYPE I', 200],
    ['XMKD day', 257],
    ['CWD day', 250],
  ] as const) {
    t.is((await camera.command(line)).code, code, line);
  }
  t.is((await camera.upload('STOR image.jpg', 'x')).code, 226);
  for (const line of [
    'RETR image.jpg',
    'LIST',
    'NLST',
    'STAT /',
    'DELE image.jpg',
    'SIZE image.jpg',
    'SITE X',
  ]) {
    t.is((await camera.command(line)).code, 502, line);
  }
  t.deepEqual(await names(), ['day']);
  t.is((await camera.command('QUIT')).code, 221);
});

test('denied beats allowed; logging in and out cannot be denied', async (t) => {
  const { connect } = await withProxy(t, {
    allowCommands: commandNames('STOR,DELE'),
    denyCommands: commandNames('DELE,PASV,USER,PASS,QUIT,REIN,NOOP'),
  });
  const client = await connect();
  for (const [line, code] of [
    ['USER guest', 331],
    ['PASS guest', 230],
    ['DELE f', 502],
    ['PASV', 502],
    ['EPSV', 229],
    ['NOOP', 200],
    ['REIN', 220],
    ['DELE f', 530],
    ['QUIT', 221],
  ] as const) {
    t.is((await client.command(line)).code, code, line);
  }
});

test('denying SITE denies everything behind it', async (t) => {
  const { login } = await withProxy(t, { denyCommands: ['SITE'] });
  const client = await login();
  for (const line of ['SITE', 'SITE NETS', 'SITE HELP', 'site nets']) {
    t.is((await client.command(line)).code, 502, line);
  }
  t.is((await client.command('NETS')).code, 211);
  const { login: other } = await withProxy(t, { denyCommands: ['SITE NETS'] });
  const spared = await other();
  t.is((await spared.command('SITE NETS')).code, 502);
  t.is((await spared.command('SITE HELP')).code, 214);
});

test('a name in the settings that is no command is told in the log, and nothing else of it happens', async (t) => {
  const { log, login } = await withProxy(t, { denyCommands: commandNames('DELETE,STOR,XCWD,SITE') });
  const warnings = log.filter(({ details }) => 'commands' in details);
  t.deepEqual(
    warnings.map(({ details }) => details['commands']),
    [['DELETE']],
  );
  t.is((await (await login()).command('DELE f')).code, 550);
  const { log: quiet } = await withProxy(t);
  t.deepEqual(
    quiet.filter(({ details }) => 'commands' in details),
    [],
  );
});

test('the commands that are always there are in the table', (t) => {
  const names = commandTable.map(({ name }) => name);
  t.deepEqual(
    [...ALWAYS, ...PREPARING].filter((name) => !names.includes(name)),
    [],
  );
});
