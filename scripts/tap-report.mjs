/**
 * Reads ava's TAP line by line and counts. A test that finds a program or right missing says `t.log('skipped: why')`
 * and passes; it is counted as skipped, not as passed, and told with its reason.
 */
export class TapReport {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** The test whose comments and diagnostics follow. */
  #test = /** @type {{ title: string, ok: boolean, skip: string | null, lines: string[] } | null} */ (null);
  #print;

  constructor(/** @type {(line: string) => void} */ print) {
    this.#print = print;
  }

  line(/** @type {string} */ line) {
    const [, not, , title, directive] = /^(not )?ok( \d+)? - (.*?)(?: # (SKIP|TODO).*)?$/.exec(line) ?? [];
    if (title !== undefined) {
      this.#finish();
      const skip =
        directive === undefined ? null : directive === 'TODO' ? 'not written yet' : 'switched off here';
      this.#test = { title, ok: not === undefined || directive === 'TODO', skip, lines: [] };
    } else if (/^(1\.\.\d+|# (tests|pass|skip|fail) \d+|TAP version \d+)$/.test(line)) {
      this.#finish();
    } else if (this.#test === null) {
      if (line.trim() !== '') this.#print(line);
    } else {
      const why = /^#\s+skipped: (.*)$/.exec(line)?.[1];
      if (why !== undefined) this.#test.skip = why;
      else this.#test.lines.push(line);
    }
  }

  end() {
    this.#finish();
  }

  #finish() {
    const test = this.#test;
    this.#test = null;
    if (test === null) return;
    if (!test.ok) {
      this.failed += 1;
      this.#print(`FAILED   ${test.title}`);
      for (const line of test.lines) this.#print(`         ${line}`);
    } else if (test.skip !== null) {
      this.skipped += 1;
      this.#print(`skipped: ${test.title}: ${test.skip}`);
    } else {
      this.passed += 1;
      this.#print(`ok       ${test.title}`);
      for (const line of test.lines.filter((text) => text.startsWith('#'))) this.#print(`         ${line}`);
    }
  }
}
