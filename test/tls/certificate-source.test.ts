import { X509Certificate } from 'node:crypto';
import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { type CertificateOptions, openCertificateSource } from '../../src/tls/certificate-source.ts';
import { makeCertificate } from '../../src/tls/own-certificate.ts';
import type { KeyPair } from '../../src/tls/secure-context.ts';
import { TlsClient, VERSIONS } from '../proxy/tls-client.ts';
import { collector, type LogLine, until, withProxy } from '../proxy/with-proxy.ts';

interface Files {
  readonly folder: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly log: LogLine[];
  write(pair: Partial<KeyPair>): Promise<void>;
  options(more?: Partial<CertificateOptions>): CertificateOptions;
}

async function withFiles(t: ExecutionContext): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudroid-tls-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const log: LogLine[] = [];
  return {
    folder,
    certFile,
    keyFile,
    log,
    async write({ cert, key }) {
      if (key !== undefined) await writeFile(keyFile, key);
      if (cert !== undefined) await writeFile(`${certFile}.new`, cert);
      if (cert !== undefined) await rename(`${certFile}.new`, certFile);
    },
    options: (more = {}) => ({
      tlsCertFile: certFile,
      tlsKeyFile: keyFile,
      stateDir: join(folder, 'state'),
      name: 'odroid-a',
      logger: collector(log, {}),
      settleMs: 20,
      ...more,
    }),
  };
}

const fingerprintOf = ({ cert }: KeyPair) => new X509Certificate(cert).fingerprint256;
const shownBy = (socket: TLSSocket) => socket.getPeerCertificate().fingerprint256;

test('without settings the member makes its own, and the log tells the fingerprint', async (t) => {
  const { options, log } = await withFiles(t);
  const own = options({ tlsCertFile: null, tlsKeyFile: null });
  const first = await openCertificateSource(own);
  const again = await openCertificateSource(own);
  t.is(again.fingerprint, first.fingerprint);
  t.regex(first.fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  t.is(log.filter(({ details }) => details['sha256'] === first.fingerprint).length, 2);
  first.close();
  again.close();
});

test('where the own certificate cannot be kept there is one for this start, and the log says so', async (t) => {
  const { options, log, folder } = await withFiles(t);
  await writeFile(join(folder, 'state'), 'a file where the folder should be');
  const source = await openCertificateSource(options({ tlsCertFile: null, tlsKeyFile: null }));
  t.is(log.filter(({ level }) => level === 'error').length, 1);
  const { port } = await withProxy(t, { tls: source });
  const client = await TlsClient.loggedIn(port);
  t.is(shownBy(client.tls), source.fingerprint);
  client.destroy();
});

test('files that are missing, broken, or do not belong together are one clear line at the start', async (t) => {
  const { options, write, certFile } = await withFiles(t);
  const [one, other] = [await makeCertificate('one'), await makeCertificate('other')];
  const refused = { name: 'CommandError', message: new RegExp(certFile) };
  await t.throwsAsync(openCertificateSource(options()), refused);
  await write({ cert: one.cert, key: other.key });
  await t.throwsAsync(openCertificateSource(options()), refused);
  await write({ cert: 'nonsense', key: one.key });
  await t.throwsAsync(openCertificateSource(options()), refused);
  await t.throwsAsync(openCertificateSource(options({ tlsKeyFile: null })), { message: /belong together/ });
  await t.throwsAsync(openCertificateSource(options({ tlsCertFile: null })), { message: /belong together/ });
});

for (const version of VERSIONS) {
  test(`${version}: a renewed certificate is shown to new clients; sessions that run go on and resume theirs on data connections`, async (t) => {
    const { options, write } = await withFiles(t);
    const [old, renewed] = [await makeCertificate('old'), await makeCertificate('renewed')];
    await write(old);
    const source = await openCertificateSource(options());
    t.teardown(() => source.close());
    const { port, stored } = await withProxy(t, { tls: source });
    const running = await TlsClient.loggedIn(port, { version });
    t.is(shownBy(running.tls), fingerprintOf(old));
    await write(renewed);
    await until(() => source.fingerprint === fingerprintOf(renewed));
    t.is((await running.command('NOOP')).code, 200);
    const { reply, resumed } = await running.upload('STOR f', 'after the renewal');
    t.is(reply.code, 226);
    t.true(resumed);
    t.is(await stored('f'), 'after the renewal');
    const later = await TlsClient.loggedIn(port, { version });
    t.is(shownBy(later.tls), fingerprintOf(renewed));
    running.destroy();
    later.destroy();
  });
}

test('a broken new certificate keeps the old one and says so once; the next good one is taken', async (t) => {
  const { options, write, log, certFile } = await withFiles(t);
  const [old, renewed] = [await makeCertificate('old'), await makeCertificate('renewed')];
  await write(old);
  const source = await openCertificateSource(options());
  t.teardown(() => source.close());
  const errors = () => log.filter(({ level }) => level === 'error').length;
  await write({ cert: 'half a certif' });
  await until(() => errors() === 1);
  process.emit('SIGHUP', 'SIGHUP');
  t.is(errors(), 1);
  t.is(source.fingerprint, fingerprintOf(old));
  await write({ cert: renewed.cert });
  await until(() => errors() === 2);
  t.is(source.fingerprint, fingerprintOf(old));
  await unlink(certFile);
  await until(() => errors() === 3);
  const { port } = await withProxy(t, { tls: source });
  const client = await TlsClient.loggedIn(port);
  t.is(shownBy(client.tls), fingerprintOf(old));
  client.destroy();
  await write(renewed);
  await until(() => source.fingerprint === fingerprintOf(renewed));
});

test('SIGHUP reads the files at once', async (t) => {
  const { options, write } = await withFiles(t);
  const [old, renewed] = [await makeCertificate('old'), await makeCertificate('renewed')];
  await write(old);
  const source = await openCertificateSource(options({ settleMs: 1_000_000 }));
  await write(renewed);
  t.is(source.fingerprint, fingerprintOf(old));
  process.emit('SIGHUP', 'SIGHUP');
  t.is(source.fingerprint, fingerprintOf(renewed));
  source.close();
});
