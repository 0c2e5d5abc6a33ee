/** The data disk: taken when it is there, required from then on, and never in place of files on the card unasked. */
import { spawnSync } from 'node:child_process';
import { lstatSync, readlinkSync, rmSync } from 'node:fs';
import test from 'ava';
import { escapedPath } from '../../src/appliance/mount-unit.ts';
import { type Board, LABELLED, withBoard } from './with-board.ts';

const DROP_IN = '/etc/cloudroid/cloudroid.json.d/50-cloudroid-txt.json';
const UNIT = '/etc/systemd/system/srv-cloudroid.mount';
const LINK = '/etc/systemd/system/dev-disk-by\\x2dlabel-CLOUDROID\\x2dDATA.device.wants/srv-cloudroid.mount';

function required(board: Board): boolean {
  return board.has(DROP_IN) && board.read(DROP_IN) === '{"mount":"/srv/cloudroid"}\n';
}

test('without a disk the files are on the card', async (t) => {
  await withBoard(async (board) => {
    t.deepEqual((await board.boot()).problems, []);
    t.false(required(board));
    t.false(board.has(UNIT));
  });
});

test('a labelled disk is mounted, and from then on required although it is auto', async (t) => {
  await withBoard(async (board) => {
    board.write(LABELLED, '');
    await board.boot();
    t.true(required(board));
    t.true(board.read(UNIT).includes(`What=${LABELLED}\nWhere=/srv/cloudroid\n`));
    t.is(readlinkSync(board.at(LINK)), UNIT);
    t.true(board.ran.includes('systemctl start srv-cloudroid.mount'));
    rmSync(board.at(LABELLED));
    const { problems } = await board.boot();
    t.deepEqual(problems, []);
    t.true(required(board));
    t.true(board.has(UNIT));
    t.false(board.ran.some((line) => line.startsWith('systemctl start')));
  });
});

test('a disk that has to spin up is waited for, a board that works from its card waits for none', async (t) => {
  await withBoard(async (board) => {
    board.whileWaiting = () => {
      if (board.waited >= 5000) board.write(LABELLED, '');
    };
    await board.boot();
    t.true(required(board));
  });
  await withBoard(async (board) => {
    board.write('/srv/cloudroid/files/.cloudroid/store.json', '{}');
    await board.boot();
    t.is(board.waited, 0);
  });
});

test('a disk that is named is required before it was ever there', async (t) => {
  await withBoard(async (board) => {
    t.deepEqual((await board.boot('data-disk = UUID=1234-ABCD\n')).problems, []);
    t.true(required(board));
    t.true(board.read(UNIT).includes('What=/dev/disk/by-uuid/1234-ABCD\n'));
    await board.boot('');
    t.true(required(board));
  });
});

test('files on the card are not hidden by a disk unless that is said', async (t) => {
  await withBoard(async (board) => {
    board.write('/srv/cloudroid/files/letter.txt', 'dear');
    board.write(LABELLED, '');
    await board.boot('data-disk = auto\n');
    t.false(required(board));
    t.false(board.has(UNIT));
    t.regex(board.errors() ?? '', /Line 1: The disk|has files on its card/);
    await board.boot('data-disk = auto\naccept-disk = empty\n');
    t.true(required(board));
    t.is(board.errors(), null);
    t.is(board.read('/var/lib/cloudroid/accept-disk'), 'empty\n');
    t.is(board.read('/boot/cloudroid/cloudroid.txt'), 'data-disk = auto\naccept-disk =\n');
    t.is(board.read('/srv/cloudroid/files/letter.txt'), 'dear');
  });
});

test('a card volume without files gives way to an empty disk', async (t) => {
  await withBoard(async (board) => {
    board.write('/srv/cloudroid/files/.cloudroid/store.json', '{}');
    board.write(LABELLED, '');
    await board.boot();
    t.true(required(board));
    t.is(board.read('/var/lib/cloudroid/accept-disk'), 'empty\n');
  });
});

test('accept-disk counts once, also when the card cannot be written, and again when it was blanked and said again', async (t) => {
  await withBoard(async (board) => {
    board.write(LABELLED, '');
    const mark = '/var/lib/cloudroid/accept-disk';
    await board.boot('accept-disk = files\n');
    t.is(board.read(mark), 'files\n');
    rmSync(board.at(mark));
    await board.boot('accept-disk = files\n');
    t.false(board.has(mark));
    await board.boot();
    await board.boot('accept-disk = files\n');
    t.is(board.read(mark), 'files\n');
  });
});

test('a disk of a kind that keeps no promises is refused, and nothing is formatted', async (t) => {
  await withBoard(async (board) => {
    board.write(LABELLED, '');
    for (const type of ['ntfs', 'exfat', '']) {
      board.answers.set('blkid', { ok: type !== '', output: type });
      await board.boot();
      t.false(required(board));
      t.regex(board.errors() ?? '', /ext4/);
      t.false(board.ran.some((line) => /mkfs|mke2fs|wipefs|format/.test(line)));
    }
  });
});

test('another disk takes the place of the first one, and none means the card again', async (t) => {
  await withBoard(async (board) => {
    board.write(LABELLED, '');
    await board.boot('data-disk = auto\n');
    await board.boot('data-disk = LABEL=BIG\n');
    t.true(required(board));
    t.is(lstatSync(board.at(LINK), { throwIfNoEntry: false }), undefined);
    t.true(board.read(UNIT).includes('What=/dev/disk/by-label/BIG\n'));
    t.true(board.ran.indexOf('systemctl stop srv-cloudroid.mount') >= 0);
    await board.boot('data-disk = none\n');
    t.false(board.has(DROP_IN));
    t.false(board.has(UNIT));
  });
});

test('a disk that is there and cannot be mounted is told, and stays required', async (t) => {
  await withBoard(async (board) => {
    board.write(LABELLED, '');
    board.answers.set('systemctl', { ok: false, output: 'bad superblock' });
    await board.boot();
    t.true(required(board));
    t.regex(board.errors() ?? '', /bad superblock/);
  });
});

test('unit names of devices are those of systemd-escape', (t) => {
  const paths = [LABELLED, '/dev/sda1', '/dev/disk/by-uuid/1234-ABCD', '/dev/disk/by-id/usb-A_B.c:0'];
  for (const path of paths) {
    const { stdout, error } = spawnSync('systemd-escape', ['--path', path], { encoding: 'utf8' });
    if (error !== undefined) {
      t.log('skipped: there is no systemd-escape here');
      t.is(escapedPath('/dev/sda1'), 'dev-sda1');
      return;
    }
    t.is(escapedPath(path), stdout.trim());
  }
});
