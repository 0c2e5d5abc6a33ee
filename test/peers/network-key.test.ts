import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { credentialsFor, loadOrMakeNetworkKey } from '../../src/peers/trust.ts';

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudroid-key-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('many who start at once agree on one key, which only its owner may read', async (t) => {
  await withFolder(async (folder) => {
    const file = join(folder, 'state', 'network.key');
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadOrMakeNetworkKey(file)));
    t.is(new Set(keys.map(({ fingerprint }) => fingerprint)).size, 1);
    t.is(keys.filter(({ made }) => made).length, 1);
    t.is((await stat(file)).mode & 0o777, 0o600);
    t.deepEqual(await readdir(join(folder, 'state')), ['network.key'], 'no draft is left');
    await chmod(file, 0o644);
    t.is((await loadOrMakeNetworkKey(file)).fingerprint, keys[0]?.fingerprint ?? '');
    t.is((await stat(file)).mode & 0o777, 0o600);
  });
});

test('a damaged key file is never replaced; the error names it and the cure', async (t) => {
  await withFolder(async (folder) => {
    const file = join(folder, 'network.key');
    const { fingerprint } = await loadOrMakeNetworkKey(file);
    const good = await readFile(file, 'utf8');
    const bad = [
      '',
      '\n',
      'hello',
      good.slice(0, -5),
      `${good}${good}`,
      good.replace('-1 ', '-2 '),
      'x'.repeat(9000),
    ];
    for (const text of [...bad, good.replace(/.\n$/, '!\n')]) {
      await writeFile(file, text);
      const error = await t.throwsAsync(
        loadOrMakeNetworkKey(file),
        { name: 'CommandError' },
        JSON.stringify(text),
      );
      t.true(error?.message.includes(file));
      t.regex(error?.message ?? '', /Copy it again from a member/);
      t.is(await readFile(file, 'utf8'), text);
    }
    await writeFile(file, `# a comment\r\n\r\n${good.split('\n')[1]}  \r\n`);
    t.is((await loadOrMakeNetworkKey(file)).fingerprint, fingerprint);
  });
});

test('a key that cannot be made is an error that names the file', async (t) => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, 'occupied'), '');
    const file = join(folder, 'occupied', 'network.key');
    const error = await t.throwsAsync(loadOrMakeNetworkKey(file), { name: 'CommandError' });
    t.true(error?.message.includes(file));
  });
});

test('every process derives the same authority, and certificates of its own that never expire', async (t) => {
  await withFolder(async (folder) => {
    const key = await loadOrMakeNetworkKey(join(folder, 'network.key'));
    const [one, two] = await Promise.all([credentialsFor(key, 'odroid-a'), credentialsFor(key, 'odroid-b')]);
    const other = await credentialsFor(await loadOrMakeNetworkKey(join(folder, 'other.key')), 'odroid-a');
    const authority = new X509Certificate(two.ca);
    const certificate = new X509Certificate(one.cert);
    t.true(certificate.checkIssued(authority));
    t.true(certificate.verify(authority.publicKey));
    t.false(certificate.verify(new X509Certificate(other.ca).publicKey));
    t.is(certificate.subject, 'CN=odroid-a');
    t.is(new Date(certificate.validFrom).getTime(), 0);
    t.is(new Date(certificate.validTo).getUTCFullYear(), 9999);
    t.false(certificate.ca);
    t.true(authority.ca);
    t.not(one.key, two.key);
    t.false(`${one.ca}${one.cert}`.includes(key.secret.toString('base64')));
    await t.throwsAsync(credentialsFor(key, 'CN=other,O=x'), { instanceOf: TypeError });
  });
});

test('the authority of a key is the same on every machine and in every version', async (t) => {
  await withFolder(async (folder) => {
    const file = join(folder, 'network.key');
    await writeFile(file, `cloudroid-network-key-1 ${Buffer.alloc(32, 7).toString('base64url')}\n`);
    const { ca, fingerprint } = await credentialsFor(await loadOrMakeNetworkKey(file), 'odroid-a');
    const jwk = new X509Certificate(ca).publicKey.export({ format: 'jwk' });
    t.deepEqual([fingerprint, jwk.x], KNOWN);
  });
});

/** Fingerprint and x of the authority's public key, computed with Python from RFC 5869 and the curve's equation. */
const KNOWN = ['e1bd37782f5b4898', 'c5z5kf7UfLaw7Y6YnT3GgoDrpLczsyiNPc71FlE5Y6E'];
