/** The files of image/ that first boot and the care for card and box need: checked by the programs that read them. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseBootFile } from '../../src/appliance/boot-file.ts';
import { bootKeys, checkBootValue } from '../../src/appliance/boot-keys.ts';
import { unitFilesFor } from '../../src/appliance/mount-unit.ts';
import { gatewaySettings } from '../../src/config/gateway-settings.ts';
import { settingsTable } from '../../src/config/settings-table.ts';
import { KEY } from './with-board.ts';

const image = join(import.meta.dirname, '..', '..', 'image');
const overlay = join(image, 'overlay');
const docs = join(import.meta.dirname, '..', '..', 'docs');

/** Null, with a word why: the program is not here. */
function run(
  t: ExecutionContext,
  program: string,
  args: readonly string[],
  input = '',
): SpawnSyncReturns<string> | null {
  const path = `${process.env['PATH']}:/usr/sbin:/sbin`;
  const ended = spawnSync(program, args, { input, encoding: 'utf8', env: { ...process.env, PATH: path } });
  if (ended.error === undefined) return ended;
  t.log(`skipped: ${program} is not here`);
  t.pass();
  return null;
}

function withFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-overlay-'));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('nft takes the firewall rules', (t) => {
  if (process.getuid?.() !== 0) {
    t.log('skipped: nft checks rules only for root');
    t.pass();
    return;
  }
  const ended = run(t, 'nft', ['--check', '--file', join(overlay, 'etc/nftables.conf')]);
  if (ended !== null) t.is(ended.status, 0, ended.stderr);
});

test('every port that the settings open by default is open in the firewall', (t) => {
  const rules = readFileSync(join(overlay, 'etc/nftables.conf'), 'utf8');
  const doors = /elements = \{ (.*) \}/.exec(rules)?.[1]?.split(', ') ?? [];
  const ranges = Object.values({ ...settingsTable, ...gatewaySettings })
    .map(({ default: standard }) => String(standard))
    .flatMap((text) => /^(?:0\.0\.0\.0:(\d+)|(\d+-\d+))$/.exec(text)?.slice(1) ?? [])
    .filter((port) => port !== undefined);
  t.true(ranges.length >= 4, ranges.join());
  for (const range of ranges) t.true(doors.includes(range), range);
});

test('systemd finds nothing wrong in the units of the overlay and in the mount unit', (t) => {
  withFolder((folder) => {
    const units = join(overlay, 'etc/systemd/system');
    const names = readdirSync(units).filter((name) => /\.(service|timer)$/.test(name));
    const disk = unitFilesFor('LABEL=CLOUDROID-DATA');
    const files = names.map((name) => join(folder, name));
    for (const name of names) {
      // What the image has and this machine has not.
      const text = readFileSync(join(units, name), 'utf8').replaceAll(
        /\/usr\/(local\/lib\/cloudroid\/|bin\/ssh-)[\w-]+/g,
        '/bin/true',
      );
      writeFileSync(join(folder, name), text);
    }
    writeFileSync(join(folder, 'srv-cloudroid.mount'), disk.text);
    files.push(join(folder, 'srv-cloudroid.mount'));
    const ended = run(t, 'systemd-analyze', ['verify', '--man=no', ...files]);
    if (ended === null) return;
    const about = ended.stderr
      .split('\n')
      .filter((line) => [...names, 'srv-cloudroid.mount'].some((name) => line.includes(name)))
      .filter((line) => !line.includes('cloudroid-data-disk.service'));
    t.deepEqual(about, []);
  });
});

test('every unit of the overlay that is to be enabled is: by name, for links may get lost with a checkout', (t) => {
  const units = join(overlay, 'etc/systemd/system');
  const wanted = readdirSync(units)
    .filter((name) => /\.(service|timer)$/.test(name))
    .filter((name) => readFileSync(join(units, name), 'utf8').includes('[Install]'));
  const named = /^own_units=\((.*)\)$/m.exec(readFileSync(join(image, 'lib.sh'), 'utf8'))?.[1];
  t.deepEqual(named?.split(' ').sort(), wanted.sort());
  const files = readdirSync(overlay, { recursive: true, withFileTypes: true });
  t.deepEqual(
    files.filter((file) => /\.(wants|requires)$/.test(file.name)),
    [],
  );
});

test('the root partition grows to the end of a larger card, and no other one does', (t) => {
  for (const label of ['dos', 'gpt']) {
    withFolder((folder) => {
      const card = join(folder, 'card.img');
      writeFileSync(card, '');
      truncateSync(card, 64 * 2 ** 20);
      const made = run(t, 'sfdisk', ['--quiet', card], `label: ${label}\n,16M\n,16M\n`);
      if (made === null) return;
      t.is(made.status, 0, made.stderr);
      const sizes = (): string[] => {
        const { stdout } = spawnSync('/sbin/sfdisk', ['--dump', card], { encoding: 'utf8' });
        return [...stdout.matchAll(/size= *(\d+)/g)].map(([, size = '']) => size);
      };
      const grow = (number: string) =>
        run(t, 'sh', [join(overlay, 'usr/local/lib/cloudroid/grow-root'), card, number]);
      truncateSync(card, 128 * 2 ** 20);
      t.is(grow('1')?.status, 0);
      t.deepEqual(sizes(), ['32768', '32768']);
      t.is(grow('2')?.status, 0);
      const grown = sizes();
      t.is(grown[0], '32768');
      t.true(Number(grown[1]) > 90 * 2048, label);
      t.is(grow('2')?.status, 0);
      t.deepEqual(sizes(), grown);
    });
  }
});

test('the cloudroid.txt on the card says nothing as it is, and each line of it is right without its #', (t) => {
  const text = readFileSync(join(image, 'boot-partition/cloudroid.txt'), 'utf8');
  t.false(/[^\r]\n/.test(text));
  t.deepEqual(parseBootFile(text), { given: new Map(), problems: [] });
  const meant = text.replaceAll(/^#(?=[a-z-]+ =)/gm, '').replace('network-key =\r', `network-key = ${KEY}\r`);
  const { given, problems } = parseBootFile(meant.replace(/AAAA\S*/, 'A'.repeat(68)));
  t.deepEqual(problems, []);
  t.true(given.size >= 8);
  for (const [key, value] of given) t.notThrows(() => checkBootValue(key, value.text), key);
});

test('every key of cloudroid.txt is told in docs/install.md', (t) => {
  const page = readFileSync(join(docs, 'install.md'), 'utf8');
  for (const key of bootKeys) t.true(page.includes(`| \`${key}\` |`), key);
});
