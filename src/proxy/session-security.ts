/** What of a session is encrypted (RFC 4217). */

/** PROT: C, clear, or P, private. */
export type Protection = 'C' | 'P';

export class SessionSecurity {
  #encrypted = false;
  /** PBSZ was said: PROT may be. */
  bufferSizeSaid = false;
  protection: Protection = 'C';

  /** The control connection is under TLS. */
  get encrypted(): boolean {
    return this.#encrypted;
  }

  /** `data`: C after AUTH TLS; P where clients say neither PBSZ nor PROT, implicit TLS and AUTH SSL. PROT may change it. */
  begin(data: Protection): void {
    this.#encrypted = true;
    this.bufferSizeSaid = data === 'P';
    this.protection = data;
  }
}
