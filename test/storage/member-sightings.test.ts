import test from 'ava';
import { MemberSightings } from '../../src/storage/server/member-sightings.ts';
import { listeningLogger } from './with-storage-server.ts';

const HERE = { member: 'odroid-a', store: 'store-a', boot: 'boot-a' };
const from = (boot: string, member = 'odroid-b') => ({ member, store: 'store-b', boot });
const asker = (address: string, member = 'odroid-b') => ({
  member,
  address,
  sameMachine: address === '127.0.0.1',
});

function start() {
  const logged: string[] = [];
  let now = 0;
  const sightings = new MemberSightings(HERE, listeningLogger(logged), () => now);
  return {
    alarms: () => logged.filter((line) => line.startsWith('error ALARM')).length,
    after: (seconds: number) => {
      now += seconds * 1000;
    },
    /** True when it is let in. */
    hello(boot: string, address: string, member?: string): boolean {
      try {
        sightings.check(from(boot, member), asker(address, member));
        return true;
      } catch (error) {
        if (error instanceof Error && error.name === 'PeerRefused') return false;
        throw error;
      }
    },
    sightings,
  };
}

test('a member that restarts often is never taken for two', (t) => {
  const lab = start();
  for (let n = 0; n < 500; n += 1) {
    t.true(lab.hello(`boot-${n}`, '10.0.0.2'));
    lab.after(1);
  }
  t.is(lab.alarms(), 0);
});

test('processes of one machine that have not heard of a restart yet are no clone', (t) => {
  const lab = start();
  for (const boot of ['one', 'two', 'one', 'two', 'one']) t.true(lab.hello(boot, '10.0.0.2'));
  t.is(lab.alarms(), 0);
});

test('two machines that use one id at the same time are both refused, with one alarm', (t) => {
  const lab = start();
  t.true(lab.hello('one', '10.0.0.2'));
  t.true(lab.hello('two', '10.0.0.3'));
  lab.after(10);
  t.false(lab.hello('one', '10.0.0.2'));
  t.false(lab.hello('two', '10.0.0.3'));
  t.false(lab.hello('one', '10.0.0.2'));
  t.is(lab.alarms(), 1);
  const [notice = '', ...more] = lab.sightings.notices();
  t.regex(notice, /two machines say that they are odroid-b.*10\.0\.0\.2 and at 10\.0\.0\.3/);
  t.deepEqual(more, []);
  lab.after(601);
  t.deepEqual(lab.sightings.notices(), [], 'not for ever');
  t.true(lab.hello('two', '10.0.0.3'), 'the other was switched off');
});

test('a board that comes back at another address with its old boot, long after the other fell silent, is let in', (t) => {
  const lab = start();
  t.true(lab.hello('one', '10.0.0.2'));
  t.true(lab.hello('two', '10.0.0.3'));
  lab.after(121);
  t.true(lab.hello('one', '10.0.0.2'));
  t.is(lab.alarms(), 0);
});

test('this very id from another machine is refused; from this machine it is a process of ours', (t) => {
  const lab = start();
  t.true(lab.hello('boot-a', '10.0.0.1', 'odroid-a'));
  t.true(lab.hello('an-earlier-boot', '127.0.0.1', 'odroid-a'));
  t.is(lab.alarms(), 0);
  t.false(lab.hello('boot-of-a-clone', '10.0.0.9', 'odroid-a'));
  t.is(lab.alarms(), 1);
  t.regex(lab.sightings.notices()[0] ?? '', /two machines say that they are odroid-a/);
});

test('nobody speaks for another member than that of the certificate', (t) => {
  const { sightings } = start();
  t.throws(() => sightings.check(from('x'), asker('10.0.0.2', 'odroid-c')), { name: 'PeerRefused' });
});
