/** Notices another ftp-srv than the one that ftp-srv-mended.ts mends. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'ava';
import {
  FTP_SRV_VERSION,
  installedFtpSrvVersion,
  makeSrvServer,
} from '../../src/storage/server/ftp-srv-internals.ts';
import { ALLOWED_VERBS, SRV_VERBS } from '../../src/storage/server/ftp-srv-mended.ts';

const require = createRequire(import.meta.url);
const source = (file: string) => readFileSync(require.resolve(`ftp-srv/src/${file}`), 'utf8');

test('the ftp-srv that is installed is the one that was read and mended', (t) => {
  t.is(installedFtpSrvVersion(), FTP_SRV_VERSION);
});

test('everything inside ftp-srv that the mending takes hold of is still there', (t) => {
  const connection = source('connection.js');
  for (const part of [
    "this.commandSocket.on('data', this._handleData.bind(this))",
    "this.commandSocket.on('timeout'",
    'this.commands = new Commands(this)',
    'this.connector = new BaseConnector(this)',
    'if (this.connector) this.connector.end()',
    'this.authenticated = true',
  ]) {
    t.true(connection.includes(part), part);
  }
  const server = source('index.js');
  for (const part of [
    "this.emit('connect', {connection",
    "this.server.emitPromise('login', {connection: this, username, password})",
    'pauseOnConnect: true',
    'this.options.timeout > 0 && socket.setTimeout(this.options.timeout)',
    "process.on('SIGTERM', quit)",
    "url.protocol === 'ftps:'",
  ]) {
    t.true((server + connection).includes(part), part);
  }
  const commands = source('commands/index.js');
  t.true(commands.includes('this.whitelist.length > 0 && !_.includes(this.whitelist, command.directive)'));
  t.true(commands.includes('!this.connection.authenticated'));
});

test('the verbs left to ftp-srv touch neither its file system nor its connectors', (t) => {
  for (const verb of SRV_VERBS) {
    const handler = source(`commands/registration/${verb.toLowerCase()}.js`);
    t.false(/\bthis\.(?:fs|connector)\b/.test(handler), verb);
  }
  for (const verb of [
    'LIST',
    'NLST',
    'MKD',
    'RMD',
    'RNFR',
    'RNTO',
    'CWD',
    'STOU',
    'PORT',
    'EPRT',
    'PASV',
    'AUTH',
  ]) {
    t.false(ALLOWED_VERBS.includes(verb), verb);
  }
});

test('a server leaves no signal handlers behind', (t) => {
  const counts = () => ['SIGTERM', 'SIGINT', 'SIGQUIT'].map((signal) => process.listenerCount(signal));
  const before = counts();
  makeSrvServer({ url: 'ftps://127.0.0.1:0' });
  t.deepEqual(counts(), before);
});
