import test from 'ava';
import { peersPage } from '../../src/cli/peers-list.ts';
import { memberToRetire } from '../../src/cli/peers-retire.ts';
import type { MemberStatus, StatusReply } from '../../src/peers/protocol-reports.ts';
import { emptyStatus } from './reports.ts';

const now = Date.parse('2026-01-02T12:00:00Z');
const here: MemberStatus = {
  name: 'left',
  member: 'left-aaaa',
  address: 'this member',
  state: 'in step',
  reason: null,
  lastSeenAt: now,
};
const right: MemberStatus = { ...here, name: 'right', member: 'right-bbbb', address: '10.0.0.2:6001' };
const status: StatusReply = {
  ...emptyStatus,
  hello: { ...emptyStatus.hello, members: ['left-aaaa', 'old-cccc', 'right-bbbb'], retired: ['dead-dddd'] },
  proxy: { at: now, sessions: 0, transfers: 0, listening: 'x', ack: 'reachable', members: [here, right] },
};

test('the list shows the lines of the file, who was met but is in no line, and who is retired', (t) => {
  const page = peersPage(
    status,
    [
      { host: '10.0.0.2', port: 6001 },
      { host: '10.0.0.9', port: 6001 },
    ],
    'PEERS.txt',
    now,
  );
  t.regex(page, /^ {2}right +10\.0\.0\.2:6001 +in step$/m);
  t.regex(page, /^ {2}\? +10\.0\.0\.9:6001 +away: not met yet/m);
  t.regex(page, /Met before, but behind no line of PEERS\.txt now:\n {2}old-cccc\n/);
  t.regex(page, /Retired for ever:\n {2}dead-dddd\n/);
});

test('an empty list still tells who was met and who is retired', (t) => {
  const page = peersPage(status, [], 'PEERS.txt', now);
  t.regex(page, /^No peers: PEERS\.txt lists none/);
  t.regex(page, / {2}old-cccc\n {2}right-bbbb\n/);
  const alone = { ...status.hello, members: ['left-aaaa'], retired: [] };
  t.notRegex(peersPage({ ...status, hello: alone }, [], 'PEERS.txt', now), /Met|Retired/);
});

test('who is to retire is named by id or by name, and must be one that was met', (t) => {
  t.is(memberToRetire(status, 'old-cccc'), 'old-cccc');
  t.is(memberToRetire(status, 'right'), 'right-bbbb');
  t.is(memberToRetire(status, 'dead-dddd'), 'dead-dddd');
  t.throws(() => memberToRetire(status, 'left'), { message: /this very member/ });
  t.throws(() => memberToRetire(status, 'left-aaaa'), { message: /this very member/ });
  t.throws(() => memberToRetire(status, 'nobody'), {
    message: /No member nobody was ever met; there are old-cccc, right-bbbb/,
  });
  const twins = { ...right, member: 'right-eeee' };
  const doubled = status.proxy && { ...status.proxy, members: [right, twins] };
  t.throws(() => memberToRetire({ ...status, proxy: doubled }, 'right'), { message: /several members/ });
});
