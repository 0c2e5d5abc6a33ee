import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  loadOrMakeOwnCertificate,
  makeCertificate,
  ownCertificateFile,
} from '../../src/tls/own-certificate.ts';
import { secureContextFor } from '../../src/tls/secure-context.ts';

async function folderFor(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudroid-tls-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

test('the own certificate is made once, kept for its owner alone, and the same at the next start', async (t) => {
  const folder = await folderFor(t);
  const first = await loadOrMakeOwnCertificate(folder, 'odroid-a');
  t.is((await stat(ownCertificateFile(folder))).mode & 0o777, 0o600);
  t.is((await stat(join(folder, 'tls'))).mode & 0o777, 0o700);
  t.deepEqual(await loadOrMakeOwnCertificate(folder, 'another name'), first);
  t.deepEqual(await readdir(join(folder, 'tls')), ['gateway.pem']);
  secureContextFor(first);
});

test('processes that start at once agree on one certificate, also in place of a damaged one', async (t) => {
  const { cert, key } = await makeCertificate('odroid-a');
  const cut = `${key}${cert.replace(/\n.{20}/, '\n')}`;
  for (const before of [null, '', 'no certificate', '-----BEGIN PRIVATE KEY-----\ncut', cut]) {
    const folder = await folderFor(t);
    if (before !== null) {
      await mkdir(join(folder, 'tls'));
      await writeFile(ownCertificateFile(folder), before);
    }
    const all = await Promise.all(
      Array.from({ length: 8 }, () => loadOrMakeOwnCertificate(folder, 'odroid-a')),
    );
    t.is(new Set(all.map(({ cert, key }) => cert + key)).size, 1, String(before));
    const files = before === null ? ['gateway.pem'] : ['gateway-1.pem', 'gateway.pem'];
    t.deepEqual((await readdir(join(folder, 'tls'))).sort(), files);
    const file = ownCertificateFile(folder, files.length - 1);
    t.true((await readFile(file, 'utf8')).includes(all[0]?.cert ?? 'nothing'));
  }
});

test('it is valid from 1970 on, self-signed, on P-256, and names the member', async (t) => {
  const { cert } = await makeCertificate('odroid-a');
  const certificate = new X509Certificate(cert);
  t.is(new Date(certificate.validFrom).getTime(), 0);
  t.true(new Date(certificate.validTo).getUTCFullYear() === 9999);
  t.true(certificate.verify(certificate.publicKey));
  t.is(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  t.false(certificate.ca);
  for (const name of ['odroid-a', 'odroid-a.local', 'localhost']) t.is(certificate.checkHost(name), name);
  t.is(certificate.checkHost('elsewhere'), undefined);
});

test('a name that is no host name still gets a certificate', async (t) => {
  for (const name of ['', 'two words', 'ä,CN=evil+O=x', 'x'.repeat(200), 'a"b\\c']) {
    const pair = await makeCertificate(name);
    secureContextFor(pair);
    t.is(new X509Certificate(pair.cert).checkHost('localhost'), 'localhost', name);
  }
});

test('a certificate that cannot be kept is an error, and leaves no draft', async (t) => {
  if (process.getuid?.() === 0) {
    t.log('skipped: root may write everywhere');
    t.pass();
    return;
  }
  const folder = await folderFor(t);
  await mkdir(join(folder, 'tls'), { mode: 0o500 });
  await t.throwsAsync(loadOrMakeOwnCertificate(folder, 'odroid-a'), { code: 'EACCES' });
  t.deepEqual(await readdir(join(folder, 'tls')), []);
  await chmod(join(folder, 'tls'), 0o700);
});
