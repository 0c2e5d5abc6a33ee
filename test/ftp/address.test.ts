import test from 'ava';
import { subnets } from '../../src/config/gateway-checks.ts';
import { addressGroup } from '../../src/ftp/address.ts';
import { AddressList } from '../../src/ftp/address-list.ts';

test('an IPv4 address stands for itself, an IPv6 address for its /64 unless it is of the house, in every spelling', (t) => {
  for (const [address, group] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
    ['FDAA:1::b', 'fdaa:1:0:0:0:0:0:b'],
    ['fec0::1', 'fec0:0:0:0::/64'],
    ['', ''],
  ] as const) {
    t.is(addressGroup(address), group, address);
  }
});

test('networks hold the addresses of their kind, however those are written', (t) => {
  const has = (list: string, address: string) => new AddressList(subnets(list)).has(address);
  t.true(has('192.168.0.0/16', '192.168.255.1'));
  t.true(has('192.168.0.0/16', '::ffff:192.168.0.1'));
  t.false(has('192.168.0.0/16', '192.169.0.1'));
  t.true(has('10.0.0.7', '10.0.0.7'));
  t.false(has('10.0.0.7', '10.0.0.8'));
  t.true(has('::ffff:192.168.0.0/112', '192.168.0.1'));
  t.true(has('fe80::/10,10.0.0.0/8', 'fe80::1%eth0'));
  t.true(has('0.0.0.0/0', '192.0.2.1'));
  t.false(has('0.0.0.0/0', '2001:db8::1'));
  t.true(has('::/0', '2001:db8::1'));
  t.false(has('::/0', '192.0.2.1'), '::/0 is all of IPv6 and nothing else');
  t.false(has('', '192.0.2.1'));
  t.false(has('0.0.0.0/0,::/0', ''), 'a socket that is gone');
});
