/** The certificate that clients with TLS are shown. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Settings } from '../../config/settings-api.ts';
import { ownCertificateFile } from '../../tls/own-certificate.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';

const CHECK = 'certificate';
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

export function checkCertificate({ tlsCertFile, stateDir }: Settings, now = Date.now()): Finding[] {
  const file = tlsCertFile ?? ownCertificateFile(stateDir);
  if (tlsCertFile === null && !existsSync(file)) return [ok(CHECK, 'is made when the gateway starts')];
  try {
    const { validTo, fingerprint256 } = new X509Certificate(readFileSync(file));
    const days = Math.floor((Date.parse(validTo) - now) / DAY_MS);
    const cure =
      tlsCertFile === null
        ? `Remove ${file} and restart the gateway: it makes a new one, which clients have to accept once.`
        : `Renew it; the gateway reads ${file} again by itself.`;
    if (days < 0) return [problem(CHECK, `${file} has run out: ${validTo}`, cure)];
    if (days < SOON_DAYS) return [warning(CHECK, `${file} runs out in ${days} days`, cure)];
    const kind = tlsCertFile === null ? 'the own one of this member' : file;
    return [ok(CHECK, `${kind}, valid until ${validTo}, SHA-256 ${fingerprint256.slice(0, 23)}...`)];
  } catch (error) {
    return [
      problem(
        CHECK,
        `${file} cannot be used: ${messageOf(error)}`,
        'Put a certificate in PEM there, or take --tls-cert-file away.',
      ),
    ];
  }
}
