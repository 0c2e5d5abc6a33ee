/** Certificates for tests; making one takes milliseconds. */
import type { TlsProvider } from '../../src/proxy/options.ts';
import { makeCertificate } from '../../src/tls/own-certificate.ts';
import { secureContextFor } from '../../src/tls/secure-context.ts';

export async function testTls(): Promise<TlsProvider> {
  return { context: secureContextFor(await makeCertificate('odroid-a')) };
}
