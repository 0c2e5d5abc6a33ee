import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadSettings, strangeVariables, variableOf } from '../../src/config/settings.ts';
import { settingNames } from '../../src/config/settings-table.ts';
import { CommandError } from '../../src/system/exit-status.ts';

interface Sources {
  readonly options?: { readonly [name: string]: string };
  readonly environment?: { readonly [name: string]: string };
}
const load = ({ options = {}, environment = {} }: Sources = {}) =>
  loadSettings({ options, environment, currentDir: '/srv/cloud' });

const folder = mkdtempSync(join(tmpdir(), 'cloudroid-settings-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

function configFile(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

test('without anything given every setting has its default', (t) => {
  const settings = load();
  t.is(settings.dataDir, '/srv/cloud/data');
  t.is(settings.filesDir, '/srv/cloud/data/files');
  t.is(settings.networkKeyFile, '/srv/cloud/data/state/network.key');
  t.deepEqual(settings.listen, { host: '0.0.0.0', port: 6000 });
  t.deepEqual(settings.storageListen, { host: '0.0.0.0', port: 6001 });
  t.is(settings.ack, 'reachable');
  t.false(settings.acceptAbruptClose);
  for (const { from, to } of [settings.passivePorts, settings.storagePassivePorts]) {
    t.true(to < 32_768 || from > 60_999);
  }
});

test('the state may be elsewhere than the files, and a folder may be named on which a disk must be', (t) => {
  t.is(load().mountDir, null);
  const settings = load({ options: { data: '/srv/disk', state: '/var/lib/member', mount: '/srv/disk' } });
  t.is(settings.filesDir, '/srv/disk/files');
  t.is(settings.stateDir, '/var/lib/member');
  t.is(settings.networkKeyFile, '/var/lib/member/network.key');
  t.is(settings.mountDir, '/srv/disk');
});

test('drop-ins beside the configuration file beat it, the later name the earlier, and an error names its file', (t) => {
  const config = configFile('dropped.json', '{"name": "from-file", "ack": "two", "log-level": "debug"}');
  mkdirSync(`${config}.d`);
  writeFileSync(join(`${config}.d`, '50-b.json'), '{"name": "from-b"}');
  writeFileSync(join(`${config}.d`, '10-a.json'), '{"name": "from-a", "ack": "all"}');
  writeFileSync(join(`${config}.d`, '.99-half.json.new'), '{');
  const settings = load({ options: { config } });
  t.is(settings.name, 'from-b');
  t.is(settings.ack, 'all');
  t.is(settings.logLevel, 'debug');
  t.is(load({ options: { config }, environment: { CLOUDROID_NAME: 'stronger' } }).name, 'stronger');
  writeFileSync(join(`${config}.d`, '60-c.json'), '{"nmae": "x"}');
  t.throws(() => load({ options: { config } }), {
    instanceOf: CommandError,
    message: /nmae.*60-c\.json.*"name"/,
  });
});

test('networks, commands and sizes are read as people write them', (t) => {
  const settings = load({
    options: {
      'allow-addresses': '10.1.2.3, fd00::/8',
      'deny-commands': 'dele, site  chmod',
      'max-upload-bytes': '20G',
      'tls-cert-file': 'mine.pem',
      'tls-key-file': 'mine.key',
    },
  });
  t.deepEqual(settings.allowAddresses, [
    { address: '10.1.2.3', prefix: 32, family: 'ipv4' },
    { address: 'fd00::', prefix: 8, family: 'ipv6' },
  ]);
  t.deepEqual(settings.denyCommands, ['DELE', 'SITE CHMOD']);
  t.is(settings.maxUploadBytes, 20 * 2 ** 30);
  t.is(settings.tlsCertFile, '/srv/cloud/mine.pem');
  t.is(load().tlsCertFile, null);
  t.is(load().tlsListen, null);
});

test('a port of its own for TLS, and a key only with its certificate', (t) => {
  for (const port of ['6000', '6001', '30050', '31000']) {
    t.throws(() => load({ options: { 'tls-listen': port } }), { message: /nothing else here uses/ });
  }
  t.throws(() => load({ options: { 'tls-key-file': '/k.pem' } }), { message: /both or neither/ });
  t.deepEqual(load({ options: { 'tls-listen': '990' } }).tlsListen, { host: '0.0.0.0', port: 990 });
});

test('an option beats a variable, a variable beats the file, the file beats the default', (t) => {
  const config = configFile('precedence.json', '{"name": "file", "ack": "all", "max-sessions": 5}');
  const settings = load({
    options: { name: 'option', config },
    environment: { CLOUDROID_NAME: 'variable', CLOUDROID_ACK: 'two' },
  });
  t.is(settings.name, 'option');
  t.is(settings.ack, 'two');
  t.is(settings.maxSessions, 5);
});

test('a path in the file is relative to the file, one on the command line to the current folder', (t) => {
  const config = configFile('paths.json', '{"data": "mine", "peers": "others.txt"}');
  t.is(load({ environment: { CLOUDROID_CONFIG: config } }).dataDir, join(folder, 'mine'));
  t.is(load({ options: { config, peers: 'x.txt' } }).peersFile, '/srv/cloud/x.txt');
});

test('every setting can be given as option, variable and key of the file', (t) => {
  const values: { readonly [name: string]: string } = {
    data: '/d',
    state: '/s',
    mount: '/d',
    listen: '1.2.3.4:7000',
    'storage-listen': '[::1]:7001',
    peers: '/p',
    name: 'left board',
    'network-key': '/k',
    'passive-ports': '20000-20009',
    'storage-passive-ports': '61000-61009',
    ack: 'quorum',
    sweep: '0 3 * * *',
    'outside-deletions': 'propagate',
    'accept-abrupt-close': 'yes',
    'max-sessions': '7',
    'max-sessions-per-address': '6',
    'idle-timeout-seconds': '60',
    'log-level': 'debug',
    'tls-listen': '0.0.0.0:990',
    'tls-cert-file': '/c.pem',
    'tls-key-file': '/k.pem',
    'require-tls': 'yes',
    'strict-tls-close': 'yes',
    'passive-address': 'home.example.org',
    'local-networks': '192.168.0.0/16, fd00::/8',
    'active-mode': 'no',
    'name-encoding': 'latin-1',
    'keep-parts-hours': '1',
    'max-sessions-per-user': '5',
    'logins-per-minute': '4',
    'login-timeout-seconds': '3',
    'stall-timeout-seconds': '2',
    'min-data-rate': '1K',
    'max-upload-bytes': '20G',
    'max-line-bytes': '1024',
    'max-path-bytes': '256',
    'max-listing-entries': '1000',
    'max-queued-commands': '8',
    'allow-commands': 'STOR, site  chmod',
    'deny-commands': 'DELE',
    'allow-addresses': '10.0.0.1',
    'deny-addresses': '10.0.0.0/8',
  };
  t.deepEqual(Object.keys(values).sort(), [...settingNames].sort());
  const byOptions = load({ options: values });
  const environment = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [variableOf(name), value]),
  );
  const config = configFile('all.json', JSON.stringify(values));
  t.deepEqual(load({ environment }), byOptions);
  t.deepEqual(load({ options: { config } }), byOptions);
  t.notDeepEqual(byOptions, load());
  t.deepEqual(byOptions.listen, { host: '1.2.3.4', port: 7000 });
  t.deepEqual(byOptions.storageListen, { host: '::1', port: 7001 });
});

const wrong: readonly (readonly [string, string, RegExp])[] = [
  ['listen', 'nonsense', /address and a port/],
  ['listen', '0.0.0.0:0', /1 to 65535/],
  ['listen', '0.0.0.0:70000', /1 to 65535/],
  ['listen', '::1:6000', /address and a port/],
  ['passive-ports', '40000-40010', /outside 32768-60999/],
  ['passive-ports', '30000-33000', /outside 32768-60999/],
  ['passive-ports', '20010-20000', /two ports/],
  ['passive-ports', '80-90', /1024/],
  ['ack', 'most', /one of reachable, local, two, quorum, all/],
  ['sweep', 'now and then', /cron/],
  ['sweep', '99 * * * *', /cron/],
  ['accept-abrupt-close', 'perhaps', /yes or no/],
  ['max-sessions', '0', /whole number from 1/],
  ['tls-listen', 'on', /address and a port/],
  ['passive-address', '2001:db8::1', /IPv4 address or a host name/],
  ['allow-addresses', '10.0.0.0/33', /networks such as/],
  ['deny-addresses', 'everybody', /networks such as/],
  ['local-networks', '::1/129', /networks such as/],
  ['deny-commands', 'DE LE TE', /commands such as/],
  ['name-encoding', 'utf8', /one of utf-8, latin-1/],
  ['max-upload-bytes', '5 parsecs', /number of bytes/],
  ['keep-parts-hours', '-1', /whole number from 0/],
  ['max-sessions', '1e3', /whole number/],
  ['idle-timeout-seconds', '-5', /whole number/],
  ['name', '', /got nothing/],
  ['name', 'a\nb', /letters/],
  ['log-level', 'loud', /one of error/],
];
for (const [name, value, expected] of wrong) {
  test(`--${name} ${JSON.stringify(value)} is refused with its source, what was expected and what was given`, (t) => {
    const config = configFile(
      `wrong-${wrong.findIndex((row) => row[1] === value && row[0] === name)}.json`,
      JSON.stringify({ [name]: value }),
    );
    const sources: readonly (readonly [string, Sources])[] = [
      [`--${name}`, { options: { [name]: value } }],
      [variableOf(name), { environment: { [variableOf(name)]: value } }],
      [config, { options: { config } }],
    ];
    for (const [from, given] of sources) {
      // An empty variable is an unset one.
      if (value === '' && given.environment !== undefined) continue;
      const error = t.throws(() => load(given), { instanceOf: CommandError, message: expected });
      t.is(error?.status, 78);
      t.true(error?.message.includes(from), error?.message);
      if (value !== '') t.true(error?.message.includes(JSON.stringify(value)), error?.message);
    }
  });
}

test('ports that could not be told apart are refused', (t) => {
  t.throws(() => load({ options: { listen: '0.0.0.0:6001' } }), { message: /two different ports/ });
  t.throws(() => load({ options: { 'passive-ports': '31100-31300' } }), { message: /without a common port/ });
  t.throws(() => load({ options: { 'passive-ports': '5990-6010' } }), {
    message: /without the listening port 6000/,
  });
  t.notThrows(() => load({ options: { listen: '127.0.0.1:6000', 'storage-listen': '127.0.0.2:6000' } }));
});

test('a configuration file that is missing, no JSON, no object or has an unknown key is refused by name', (t) => {
  for (const [text, message] of [
    ['{', /cannot be used/],
    ['[]', /one JSON object/],
    ['{"lisen": "x"}', /Did you mean "listen"/],
    ['{"name": {}}', /"name".*expected a text/],
  ] as const) {
    const config = configFile(`bad-${text.length}.json`, text);
    const error = t.throws(() => load({ options: { config } }), { instanceOf: CommandError, message });
    t.true(error?.message.includes(config));
  }
  t.throws(() => load({ options: { config: '/nowhere/x.json' } }), {
    message: /\/nowhere\/x\.json cannot be used/,
  });
});

test('a mistyped variable is told, a known one and those of other programs are not', (t) => {
  t.deepEqual(
    strangeVariables({ CLOUDROID_NAME: 'a', CLOUDROID_CONFIG: 'b', HOME: '/', CLOUDROID_LISTN: 'c' }),
    ['The variable CLOUDROID_LISTN means nothing to Cloudroid. Did you mean CLOUDROID_LISTEN?'],
  );
});
