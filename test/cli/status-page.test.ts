import test from 'ava';
import { formatAgo, formatBytes, memberRows, statusPage, sweepText } from '../../src/cli/status-page.ts';
import type { MemberStatus, StatusReply, SweepReport } from '../../src/peers/protocol-reports.ts';
import { emptyStatus, quietSweep } from './reports.ts';

const now = Date.parse('2026-01-02T12:00:00Z');
const minute = 60_000;

const members: readonly MemberStatus[] = [
  {
    name: 'left',
    member: 'left-aaaa',
    address: 'this member',
    state: 'in step',
    reason: null,
    lastSeenAt: now,
  },
  {
    name: 'odroid-c',
    member: null,
    address: '10.0.0.3:6001',
    state: 'away',
    reason: 'no answer',
    lastSeenAt: now - 5 * minute,
  },
  {
    name: '10.0.0.4',
    member: null,
    address: '10.0.0.4:6001',
    state: 'refused',
    reason: 'another network key',
    lastSeenAt: null,
  },
];

const reply: StatusReply = {
  ...emptyStatus,
  hello: { ...emptyStatus.hello, freeBytes: 5 * 2 ** 30, changes: 9 },
  files: 1,
  directories: 2,
  bytes: 1536,
  startedAt: now - 3 * 3_600_000,
};

test('sizes and times are told in words', (t) => {
  t.deepEqual([0, 1023, 1024, 1536, 20 * 2 ** 20, 2 ** 60].map(formatBytes), [
    '0 bytes',
    '1023 bytes',
    '1.0 KiB',
    '1.5 KiB',
    '20 MiB',
    '1024 PiB',
  ]);
  t.deepEqual(
    [0, -9 * minute, 59_000, minute, 2 * minute, 25 * 60 * minute].map((age) => formatAgo(now - age, now)),
    ['just now', 'just now', '59 seconds ago', '1 minute ago', '2 minutes ago', '1 day ago'],
  );
});

test('the page tells files, space, conflicts and who is there with the reason when not', (t) => {
  const proxy = { at: now, sessions: 2, transfers: 1, listening: '0.0.0.0:6000', ack: 'reachable', members };
  const page = statusPage({ ...reply, proxy, conflicts: 2 }, now);
  t.regex(page, /^Member +left \(left-aaaa\), version 0\.1\.0, started 3 hours ago$/m);
  t.regex(page, /^Files +1 file in 2 folders, 1\.5 KiB$/m);
  t.regex(page, /^Free space +5\.0 GiB$/m);
  t.regex(page, /^Conflicts +2 \(/m);
  t.regex(page, /^Last sweep +none yet$/m);
  t.regex(page, /2 sessions, 1 transfer now/);
  t.regex(page, /odroid-c +10\.0\.0\.3:6001 +away: no answer \(seen 5 minutes ago\)/);
  t.regex(page, /refused: another network key \(never seen\)/);
  t.notRegex(page, /READ ONLY/);
});

test('the page tells what lies in the trash and what is kept of uploads that broke off', (t) => {
  t.notRegex(statusPage(reply, now), /trash|broke off/);
  const page = statusPage({ ...reply, trashBytes: 2048, partBytes: 3 * 2 ** 20 }, now);
  t.regex(page, /2\.0 KiB in the trash, 3\.0 MiB of uploads that broke off/);
});

test('a replica that takes no writes says so, and a proxy that is not there too', (t) => {
  const page = statusPage({ ...reply, hello: { ...reply.hello, readOnly: 'the disk is not mounted' } }, now);
  t.regex(page, /^READ ONLY +the disk is not mounted$/m);
  t.regex(page, /the proxy is not running/);
});

test('what the operator should know of disk and identity stands on the page, a line each', (t) => {
  const page = statusPage({ ...reply, notices: ['the volume was restored', 'two machines\u001b[2J'] }, now);
  t.regex(page, /^NOTICE +the volume was restored\nNOTICE +two machines/m);
  t.false(page.includes('\u001b'));
});

test('a member that joins says so as long as there are others', (t) => {
  const hello = { ...reply.hello, joining: true };
  const others = { ...hello, members: ['left-aaaa', 'right-bbbb'] };
  t.regex(statusPage({ ...reply, hello: others }, now), /^JOINING +it has yet to fetch/m);
  t.notRegex(statusPage({ ...reply, hello: { ...hello, members: ['left-aaaa'] } }, now), /JOINING/);
  t.notRegex(statusPage({ ...reply, hello: { ...others, joining: false } }, now), /JOINING/);
});

test('a failed sweep tells what failed', (t) => {
  const sweep: SweepReport = {
    ...quietSweep,
    startedAt: now - 2 * minute,
    finishedAt: now - minute,
    pulledFiles: 1,
    pulledBytes: 2048,
    applied: 3,
    failures: ['odroid-c: connection lost'],
  };
  const page = statusPage({ ...reply, sweep }, now);
  t.regex(page, /1 minute ago, took 60 seconds, 1 file fetched \(2\.0 KiB\), 3 changes taken over$/m);
  t.regex(page, /failed: odroid-c: connection lost/);
});

test('a sweep that found trouble tells what it mended, what is left and what to do', (t) => {
  const sweep: SweepReport = {
    ...quietSweep,
    startedAt: now - 5 * 60 * minute,
    finishedAt: now - minute,
    repaired: 1,
    adopted: 2,
    scrubbedBytes: 3 * 2 ** 30,
    differences: 4,
    notices: ['4 damaged files are with no member that answers: they come back with it\u001b[2J'],
  };
  const text = sweepText(sweep, now);
  t.regex(
    text,
    /took 5 hours, 0 files fetched .*, 1 damaged file repaired, 2 changes from outside taken over, 3\.0 GiB read and checked, 4 differences LEFT\n/,
  );
  t.regex(text, /\n {4}note: 4 damaged files are with no member/);
  t.false(text.includes('\u001b'));
  const running = sweepText({ ...sweep, state: 'running', phase: 'scrubbing', done: 1, total: 3 }, now);
  t.is(running, 'running, began 5 hours ago, scrubbing, 33 % of it');
});

test('a peer cannot write control characters to the terminal', (t) => {
  const [row = ''] = memberRows(
    [
      {
        ...members[0],
        name: '\u001b[2Jevil',
        address: 'x',
        state: 'away',
        reason: '\r\n',
        member: null,
        lastSeenAt: null,
      },
    ],
    now,
  );
  t.false(row.includes('\u001b'));
  t.false(row.includes('\n'));
});

test('the page tells how far the reading of every file is, and what is damaged', (t) => {
  const { upkeep } = reply;
  t.regex(statusPage(reply, now), /^Disk check +not every file was checked yet$/m);
  const under = { ...upkeep, scrubStartedAt: now - minute, scrubbedBytes: 1024, missing: 2 };
  t.regex(
    statusPage({ ...reply, upkeep: under }, now),
    /^Disk check .*, 1\.0 KiB of 1\.5 KiB read in this pass; 2 files DAMAGED here/m,
  );
  const done = { ...upkeep, scrubStartedAt: now - 3 * minute, scrubbedAt: now - 2 * minute };
  t.regex(statusPage({ ...reply, upkeep: done }, now), /^Disk check +every file checked 2 minutes ago$/m);
});
