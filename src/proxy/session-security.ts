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

  /** Implicit TLS covers data connections from the start, as clients of that kind expect; PROT may change it. */
  begin(how: 'explicit' | 'implicit'): void {
    this.#encrypted = true;
    this.bufferSizeSaid = how === 'implicit';
    this.protection = how === 'implicit' ? 'P' : 'C';
  }
}
