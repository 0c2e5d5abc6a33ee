/**
 * Who belongs to the network. Each process derives the same certificate authority from the network key (HKDF-SHA256,
 * RFC 5869 -> a P-256 private key) and issues itself a certificate for a key pair of its own that lives as long as the
 * process. The common name is the member id. A certificate that the derived authority verifies is all the login there
 * is; host names and clocks (boards boot in 1970) play no part.
 */
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
  webcrypto,
} from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import '../system/reflect-metadata.ts';
import * as x509 from '@peculiar/x509';
import type { NetworkKey } from './network-key.ts';

export { loadOrMakeNetworkKey, type NetworkKey } from './network-key.ts';

/** What one process of a member shows and checks on every connection between members. */
export interface TlsCredentials {
  readonly member: string;
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS 8. */
  readonly key: string;
  /** PEM: the authority derived from the network key. */
  readonly ca: string;
  /** For messages: which file to copy, and which key it holds. */
  readonly keyFile: string;
  readonly fingerprint: string;
}

const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Order of the group of P-256 (FIPS 186-5, SP 800-186). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ALWAYS = { notBefore: new Date(0), notAfter: new Date('9999-12-31T23:59:59Z') } as const;
const MEMBER = /^[a-z0-9-]{1,40}$/;

export async function credentialsFor(network: NetworkKey, member: string): Promise<TlsCredentials> {
  if (!MEMBER.test(member)) throw new TypeError(`not a member id: ${JSON.stringify(member)}`);
  const authority = deriveAuthorityKey(network.secret);
  const issuer = `CN=Cloudroid network ${network.fingerprint}`;
  const ca = await issue({
    subject: issuer,
    issuer,
    publicKey: authority.publicKey,
    signingKey: authority.privateKey,
    serialNumber: '01',
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const cert = await issue({
    subject: `CN=${member}`,
    issuer,
    publicKey: own.publicKey,
    signingKey: authority.privateKey,
    // Positive and never 0 (RFC 5280 section 4.1.2.2).
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
    ],
  });
  const key = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { member, cert, key, ca, keyFile: network.file, fingerprint: network.fingerprint };
}

/** The same key pair for the same secret, always. 384 bits modulo the order leave no bias worth the name (FIPS 186-5, A.2.1). */
function deriveAuthorityKey(secret: Buffer): {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
} {
  const bytes = Buffer.from(hkdfSync('sha256', secret, 'cloudroid', 'certificate authority, P-256', 48));
  const scalar = (BigInt(`0x${bytes.toString('hex')}`) % (P256_ORDER - 1n)) + 1n;
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const coordinates = { kty: 'EC', crv: 'P-256', x: base64url(point, 1), y: base64url(point, 33) };
  return {
    privateKey: createPrivateKey({ key: { ...coordinates, d: base64url(d, 0) }, format: 'jwk' }),
    publicKey: createPublicKey({ key: coordinates, format: 'jwk' }),
  };
}

function base64url(bytes: Buffer, from: number): string {
  return bytes.subarray(from, from + 32).toString('base64url');
}

interface Issue {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signingKey: KeyObject;
  readonly serialNumber: string;
  readonly extensions: x509.Extension[];
}

/** PEM. */
async function issue({ publicKey, signingKey, ...names }: Issue): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...names,
      ...ALWAYS,
      publicKey: await webcrypto.subtle.importKey(
        'spki',
        publicKey.export({ type: 'spki', format: 'der' }),
        SIGNING,
        true,
        ['verify'],
      ),
      signingKey: await webcrypto.subtle.importKey(
        'pkcs8',
        signingKey.export({ type: 'pkcs8', format: 'der' }),
        SIGNING,
        false,
        ['sign'],
      ),
      signingAlgorithm: SIGNING,
    },
    webcrypto as Crypto,
  );
  return certificate.toString('pem');
}

/** AES-128 first: the boards have instructions for it, and it costs a third less than AES-256. */
export const TLS_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
].join(':');

/** TLS options for connecting to another member; `expectMember`: whose certificate it must be. */
export function tlsForClient({ cert, key, ca }: TlsCredentials, expectMember?: string): ConnectionOptions {
  return {
    cert,
    key,
    ca,
    minVersion: 'TLSv1.2',
    ciphers: TLS_CIPHERS,
    // By authority and member id; never by host name.
    checkServerIdentity: (_host, { subject }) => {
      const name: unknown = subject?.CN;
      if (expectMember === undefined || name === expectMember) return undefined;
      return new WrongMember(`the member there is ${String(name)}, not ${expectMember}`);
    },
  };
}

/** A member of the network answers, but not the one that was asked for. */
export class WrongMember extends Error {
  override readonly name = 'WrongMember';
}
