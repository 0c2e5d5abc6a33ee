/**
 * The certificate that a member makes for itself: self-signed, P-256, valid always (boards boot in 1970). People compare
 * its fingerprint or accept it at first sight; a certificate from an authority is given by settings instead.
 */
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import '../system/reflect-metadata.ts';
import * as x509 from '@peculiar/x509';
import { systemCodeOf } from '../system/exit-status.ts';
import { makeSecretFile } from '../system/secret-file.ts';
import { type KeyPair, secureContextFor } from './secure-context.ts';

const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const ALWAYS = { notBefore: new Date(0), notAfter: new Date('9999-12-31T23:59:59Z') } as const;
const KEY = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n?/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/;
/** DNS labels; other names are written into the subject only. */
const HOST_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/** More damaged ones than this are not a torn write. */
const MOST_FILES = 20;

/** Key and certificate in one file: they appear together or not at all. `attempt` 0 is the usual one. */
export function ownCertificateFile(stateDir: string, attempt = 0): string {
  return join(stateDir, 'tls', attempt === 0 ? 'gateway.pem' : `gateway-${attempt}.pem`);
}

/**
 * Several processes that start at once agree on one certificate: the file appears whole and flushed, by link(2). A
 * damaged one (a torn disk) is left where it is and the next name is used: removing it could remove the good one that
 * another process has just put there.
 * @throws the system's error when it can neither be read nor made.
 */
export async function loadOrMakeOwnCertificate(stateDir: string, name: string): Promise<KeyPair> {
  for (let attempt = 0; attempt < MOST_FILES; attempt += 1) {
    const file = ownCertificateFile(stateDir, attempt);
    if ((await read(file)) === null) {
      const made = await makeCertificate(name);
      await makeSecretFile(file, `${made.key}${made.cert}`, 0o700);
    }
    const kept = await read(file);
    if (kept !== null && kept !== 'damaged') return kept;
  }
  throw new Error(`${ownCertificateFile(stateDir)} and all that replaced it are damaged; remove them.`);
}

async function read(file: string): Promise<KeyPair | 'damaged' | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
  const [key] = KEY.exec(text) ?? [];
  const [cert] = CERTIFICATE.exec(text) ?? [];
  if (key === undefined || cert === undefined) return 'damaged';
  try {
    secureContextFor({ cert, key });
    return { cert, key };
  } catch {
    return 'damaged';
  }
}

/** `name`: what people call the member. */
export async function makeCertificate(name: string): Promise<KeyPair> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [publicKey, signingKey] = await Promise.all([
    webcrypto.subtle.importKey(
      'spki',
      pair.publicKey.export({ type: 'spki', format: 'der' }),
      SIGNING,
      true,
      ['verify'],
    ),
    webcrypto.subtle.importKey(
      'pkcs8',
      pair.privateKey.export({ type: 'pkcs8', format: 'der' }),
      SIGNING,
      false,
      ['sign'],
    ),
  ]);
  const names = HOST_NAME.test(name) ? [name, `${name}.local`, 'localhost'] : ['localhost'];
  const subject = new x509.Name([{ CN: [name === '' ? 'cloudroid' : name.slice(0, 64)] }]).toString();
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...ALWAYS,
      subject,
      issuer: subject,
      publicKey,
      signingKey,
      signingAlgorithm: SIGNING,
      // Positive and never 0 (RFC 5280 section 4.1.2.2).
      serialNumber: `01${randomBytes(15).toString('hex')}`,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
      ],
    },
    webcrypto as Crypto,
  );
  return {
    cert: `${certificate.toString('pem').trimEnd()}\n`,
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
