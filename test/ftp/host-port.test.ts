import test from 'ava';
import { isSameAddress, normaliseAddress } from '../../src/ftp/address.ts';
import { parseExtendedPort, parsePort, passiveText } from '../../src/ftp/host-port.ts';

test('PORT takes six numbers and nothing else', (t) => {
  t.deepEqual(parsePort('10,0,0,1,4,1'), { host: '10.0.0.1', port: 1025 });
  for (const bad of [
    '',
    '1,2,3,4,5',
    '1,2,3,4,5,6,7',
    '1,2,3,4,5,256',
    '1,2,3,4,5,-6',
    '1,2,3,4,5,x',
    '1,2,3,4,,6',
  ]) {
    t.is(parsePort(bad), null, bad);
  }
});

test('EPRT takes either protocol and any delimiter', (t) => {
  t.deepEqual(parseExtendedPort('|1|10.0.0.1|1025|'), {
    kind: 'address',
    host: '10.0.0.1',
    port: 1025,
    protocol: 1,
  });
  t.deepEqual(parseExtendedPort('!2!::1!1025!'), { kind: 'address', host: '::1', port: 1025, protocol: 2 });
  t.deepEqual(parseExtendedPort('|3|x|1025|'), { kind: 'unknown-protocol' });
  for (const bad of [
    '',
    '|',
    '|1|10.0.0.1|1025',
    '|1|::1|1025|',
    '|2|10.0.0.1|1025|',
    '|1|10.0.0.1|70000|',
    'a b',
  ]) {
    t.is(parseExtendedPort(bad), null, bad);
  }
});

test('addresses as people write them', (t) => {
  t.is(passiveText('10.0.0.1', 1025), 'Entering Passive Mode (10,0,0,1,4,1).');
  t.deepEqual(['::ffff:1.2.3.4', '::1', '1.2.3.4', undefined].map(normaliseAddress), [
    '1.2.3.4',
    '::1',
    '1.2.3.4',
    '',
  ]);
});

test('addresses are compared by what they mean', (t) => {
  t.true(isSameAddress('0:0::1', '::1'));
  t.true(isSameAddress('fe80::1', 'fe80::1%eth0'));
  t.true(isSameAddress('10.0.0.1', '10.0.0.1'));
  for (const [a, b] of [
    ['10.0.0.1', '10.0.0.2'],
    ['::1', '::2'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', '::1'],
  ] as const) {
    t.false(isSameAddress(a, b));
  }
});
