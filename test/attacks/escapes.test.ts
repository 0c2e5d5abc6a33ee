/** Nobody leaves the volume: not by `..`, not by an odd spelling, not by our own names, not over a link that lies on the disk. */
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import { listingPicture } from '../network/compare.ts';
import { pathCommands, say } from './path-commands.ts';
import { Scene } from './scene.ts';

let scene: Scene;
test.before(async () => {
  scene = await Scene.open();
});
test.after.always('closed', async () => scene?.close());

/** Everything in the member's folder but the volume, the catalog, and what the processes write themselves. */
function outsideOfVolume(): string[] {
  const { folder } = scene.a;
  const data = readdirSync(join(folder, 'data')).map((name) => `data/${name}`);
  return [...readdirSync(folder), ...data, ...readdirSync(join(folder, '..'))].sort();
}

test.serial('the table names the commands that take a path', (t) => {
  const names = new Set(pathCommands.map(({ name }) => name));
  for (const name of [
    'RETR',
    'STOR',
    'APPE',
    'STOU',
    'LIST',
    'NLST',
    'MLSD',
    'MLST',
    'STAT',
    'SIZE',
    'MDTM',
    'MFMT',
    'MFF',
    'HASH',
  ]) {
    t.true(names.has(name), name);
  }
  for (const name of [
    'CWD',
    'XCWD',
    'MKD',
    'XMKD',
    'RMD',
    'XRMD',
    'DELE',
    'RNFR',
    'RNTO',
    'XSHA256',
    'SITE CHMOD',
    'SITE UTIME',
  ]) {
    t.true(names.has(name), name);
  }
});

const CLIMBS = [
  'X',
  '/X',
  '../X',
  '../../../../../../../../X',
  '/../X',
  '/../../../../X',
  '/./.././../X',
  '//..//..//X',
  'down/../../X',
  '..\\..\\X',
  '/..\\..\\X',
  '%2e%2e/%2e%2e/X',
  '%2e%2e%2f%2e%2e%2fX',
  '..%2f..%2fX',
  '..%c0%af..%c0%afX',
  '....//....//X',
  '.../.../X',
  '..;/..;/X',
  '~/X',
  '~root/X',
  'file:///X',
  'C:/X',
  '\u2025/\u2025/X',
  '\uff0e\uff0e/\uff0e\uff0e/X',
  '\uff0e\uff0e\uff0f\uff0e\uff0e\uff0fX',
  '..\u2215..\u2215X',
  `${'../'.repeat(1000)}X`,
  `${'a/../'.repeat(400)}../X`,
];

test.serial(
  'no command reaches what lies beside the volume, and no answer names a place on the disk',
  async (t) => {
    const before = outsideOfVolume();
    const targets = [
      'outside/secret.txt',
      'data/outside/secret.txt',
      scene.secretFile.slice(1),
      'state/catalog.sqlite',
      'etc/passwd',
    ];
    const client = await scene.a.login();
    let said = 0;
    for (const command of pathCommands) {
      for (const climb of CLIMBS) {
        for (const target of targets) {
          const path = climb.replace('X', () => target);
          const { reply, bytes } = await say(client, command, path);
          said += 1;
          t.false(
            bytes.includes(scene.secret) || bytes.includes('SQLite') || bytes.includes('root:'),
            command.line(path),
          );
          // Whatever it meant, a file of that name is not in the volume; what is made is made inside.
          if (!/^(APPE|STO[RU]|X?MKD|SITE CHMOD|X?CWD)$/.test(command.name))
            t.true(reply.code >= 213, command.line(path));
          t.not(reply.code, 451, `${command.line(path)}: ${reply.text}`);
        }
      }
      await client.command('CWD /');
    }
    t.true(said > 3000);
    t.false(client.heard.includes(scene.secret));
    t.false(client.heard.replaceAll(scene.secretFile, '').includes(`${scene.a.folder}/data/files`));
    t.deepEqual(outsideOfVolume(), before);
    client.destroy();
  },
);

const OURS = [
  '.cloudroid',
  '.CLOUDROID',
  '.Cloudroid',
  '.cloudroid-x',
  '.cLoUdRoId.part',
  '.cloudroid ',
  '.cloudroid\\x',
  '.cloudroidusers',
];

test.serial('our own names are refused in every case, everywhere in a path, by every command', async (t) => {
  const client = await scene.a.login();
  await client.command('MKD /d');
  const disk = readdirSync(join(scene.a.filesDir, '.cloudroid')).sort();
  for (const command of pathCommands) {
    for (const name of OURS) {
      for (const path of [
        name,
        `/${name}`,
        `/d/${name}`,
        `/${name}/staging`,
        `${name}/users/guest`,
        `/d/../${name}`,
        `./${name}/.`,
        `/${name}/../canary.txt/${name}`,
      ]) {
        if (path.includes('..') && path.startsWith(`/${name}/..`) && command.name !== 'RETR') continue;
        const { reply, bytes } = await say(client, command, path);
        t.true(
          reply.code === 550 || reply.code === 553 || reply.code === 503,
          `${command.line(path)}: ${reply.text}`,
        );
        t.is(bytes, '');
      }
    }
  }
  t.is((await client.command('RNFR /canary.txt')).code, 350);
  t.is((await client.command('RNTO /.cloudroid/users/guest')).code, 553);
  t.is((await client.command('RNFR /d')).code, 350);
  t.is((await client.command('RNTO /.CLOUDROID')).code, 553);
  for (const listing of ['LIST', 'LIST -la', 'NLST', 'MLSD', 'LIST /', 'NLST -a /']) {
    t.notRegex((await client.download(listing)).bytes.toString(), /cloudroid/i, listing);
  }
  t.notRegex((await client.command('STAT /')).text, /\.cloudroid/i);
  t.is((await client.command('RMD /d')).code, 250);
  t.deepEqual(readdirSync(join(scene.a.filesDir, '.cloudroid')).sort(), disk);
  client.destroy();
});

test.serial('a name that a terminal or a listing would take for something else is refused', async (t) => {
  const client = await scene.a.login();
  for (const command of pathCommands) {
    for (const name of ['a\u0085b', 'a\u009bb', 'a\u007fb', 'a\u001b[2Jb', 'a\tb', 'a\u0008b']) {
      const { reply } = await say(client, command, name);
      t.is(reply.code, 501, command.line(name));
    }
  }
  client.destroy();
});

test.serial(
  'a link on the disk is not followed, not served, not listed and not taken for a file',
  async (t) => {
    const { filesDir } = scene.a;
    const outside = join(scene.secretFile, '..');
    symlinkSync(scene.secretFile, join(filesDir, 'link-to-file'));
    symlinkSync(outside, join(filesDir, 'link-to-folder'));
    symlinkSync('../outside', join(filesDir, 'relative'));
    symlinkSync('/', join(filesDir, 'root'));
    symlinkSync('.cloudroid', join(filesDir, 'inside'));
    symlinkSync('nowhere', join(filesDir, 'dangling'));
    execFileSync('mkfifo', [join(filesDir, 'pipe')]);
    const swept = await scene.a.command(['sweep', '--once']);
    t.is(swept.status, 0, swept.output);
    const client = await scene.a.login();
    const before = outsideOfVolume();
    for (const command of pathCommands) {
      for (const path of [
        'link-to-file',
        'link-to-folder/secret.txt',
        'relative/secret.txt',
        'root/etc/passwd',
        'inside/store.json',
        'relative',
        'link-to-folder/new',
      ]) {
        if (/^(STO[RU]|APPE|X?MKD|RNTO)$/.test(command.name) && !path.includes('/')) continue;
        const { reply, bytes } = await say(client, command, path);
        t.true(reply.code >= 500 || reply.code === 450, `${command.line(path)}: ${reply.text}`);
        t.false(bytes.includes(scene.secret), command.line(path));
      }
    }
    const listed = (await client.download('LIST -la')).bytes.toString();
    t.notRegex(listed, /link-to|relative|inside|dangling|pipe|root/);
    client.destroy();
    t.deepEqual(outsideOfVolume(), before);
    for (const member of scene.network.members) {
      t.notRegex(
        (await listingPicture(member)).join('\n'),
        /link-to|relative|inside|dangling|pipe/,
        member.name,
      );
    }
  },
);

test.serial(
  'a file stored where a link lies takes its name, and what the link points to stays',
  async (t) => {
    const client = await scene.a.login();
    const link = join(scene.a.filesDir, 'link-to-file');
    const { code, text } = await client.upload('STOR link-to-file', 'mine');
    t.log(`STOR over a link: ${text}`);
    t.is(readFileSync(scene.secretFile, 'utf8'), scene.secret);
    if (code === 226) {
      t.true(lstatSync(link).isFile());
      t.is((await client.download('RETR link-to-file')).bytes.toString(), 'mine');
      t.is((await client.command('DELE link-to-file')).code, 250);
    } else {
      t.true(code >= 400);
      unlinkSync(link);
    }
    client.destroy();
  },
);

test.serial(
  'a folder that somebody replaced by a link leads nowhere: nothing is written, read or removed behind it',
  async (t) => {
    const { filesDir } = scene.a;
    const outside = join(scene.secretFile, '..');
    const client = await scene.a.login();
    t.is((await client.command('MKD /swapped')).code, 257);
    t.is((await client.upload('STOR /swapped/secret.txt', 'the stored one')).code, 226);
    t.is((await client.upload('STOR /swapped/other.txt', 'another')).code, 226);
    const aside = join(scene.a.folder, 'aside');
    renameSync(join(filesDir, 'swapped'), aside);
    symlinkSync(outside, join(filesDir, 'swapped'));
    const answers: string[] = [];
    for (const command of pathCommands) {
      for (const path of ['/swapped/secret.txt', '/swapped/made.txt', '/swapped']) {
        const { reply, bytes } = await say(client, command, path);
        answers.push(`${command.line(path)}: ${reply.text}`);
        t.false(bytes.includes(scene.secret), command.line(path));
        t.is(readFileSync(scene.secretFile, 'utf8'), scene.secret, command.line(path));
        t.deepEqual(readdirSync(outside), ['secret.txt'], command.line(path));
      }
      await client.command('CWD /');
    }
    await client.command('RNFR /canary.txt');
    answers.push(`RNTO: ${(await client.command('RNTO /swapped/canary.txt')).text}`);
    t.deepEqual(readdirSync(outside), ['secret.txt']);
    await client.command('RNFR /swapped/canary.txt');
    t.is((await client.command('RNTO /canary.txt')).code, 250);
    t.log(
      answers
        .filter((answer) => answer.includes('451'))
        .slice(0, 5)
        .join('\n'),
    );
    client.destroy();
  },
);

test.serial('after the links are taken away, everything is as it was, on both members', async (t) => {
  const { filesDir, folder } = scene.a;
  for (const name of ['link-to-folder', 'relative', 'root', 'inside', 'dangling', 'pipe', 'swapped']) {
    try {
      if (!lstatSync(join(filesDir, name)).isDirectory()) unlinkSync(join(filesDir, name));
    } catch {
      // Moved to the trash by the walk.
    }
  }
  mkdirSync(join(folder, 'unused'));
  writeFileSync(join(folder, 'unused', basename(scene.secretFile)), '');
  t.is((await scene.a.command(['sweep', '--once'])).status, 0);
  await scene.assertUnharmed(t);
});
